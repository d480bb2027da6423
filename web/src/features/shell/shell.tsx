import { Link, Outlet, useLocation, useNavigate, useRouter } from '@tanstack/react-router'
import { LogOut, Monitor, Moon, Search, Sun } from 'lucide-react'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { IconButton } from '../../components/button.tsx'
import { Kbd } from '../../components/kbd.tsx'
import { cn } from '../../lib/cn.ts'
import { useLiveState } from '../../lib/live-page.ts'
import { onSignedOut, queryClient } from '../../lib/query-client.ts'
import { setTheme, useTheme, type Theme } from '../../lib/theme.ts'
import { useKeys } from '../../lib/use-keys.ts'
import { useLiveJobs } from '../jobs/use-live-jobs.ts'
import { signOut, useMe } from '../session/session.ts'
import { Logo } from './logo.tsx'

const Palette = lazy(() => import('./palette.tsx'))
const KeyHelp = lazy(() => import('./key-help.tsx'))

/** What every page stands in: header, keyboard, live connection. */
export function Shell() {
  const [open, setOpen] = useState<'palette' | 'help' | null>(null)
  const navigate = useNavigate()
  useLiveJobs()
  useSignedOutRedirect()
  useFocusOnNewPage()
  useKeys({ n: () => void navigate({ to: '/jobs/new' }), '?': () => setOpen('help') })
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey) || event.shiftKey) return
      event.preventDefault()
      setOpen((now) => (now === 'palette' ? null : 'palette'))
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
  return (
    <div className="flex min-h-dvh flex-col">
      <a href="#main" className="skip-link rounded-md bg-accent px-3 py-1.5 text-on-accent">
        Skip to the content
      </a>
      <Header onPalette={() => setOpen('palette')} />
      <main
        id="main"
        tabIndex={-1}
        className="mx-auto flex w-full max-w-[110rem] flex-1 flex-col px-3 py-4 outline-none sm:px-5"
      >
        <Outlet />
      </main>
      <Suspense>
        {open === 'palette' && <Palette onClose={() => setOpen(null)} onHelp={() => setOpen('help')} />}
        {open === 'help' && <KeyHelp onClose={() => setOpen(null)} />}
      </Suspense>
    </div>
  )
}

const navLook =
  'rounded-md px-2 py-1 text-sm font-medium text-muted hover:text-text aria-[current=page]:bg-sunken aria-[current=page]:text-text'

function Header({ onPalette }: { onPalette: () => void }) {
  const me = useMe()
  const navigate = useNavigate()
  const leave = () => void signOut().finally(() => void navigate({ to: '/sign-in' }))
  return (
    <header className="sticky top-0 z-30 border-b border-line bg-surface">
      <div className="mx-auto flex h-12 max-w-[110rem] items-center gap-1 px-3 sm:gap-2 sm:px-5">
        <Link
          to="/jobs"
          className="mr-2 flex items-center gap-2 rounded-md font-semibold"
          aria-label="Runyard, all jobs"
        >
          <Logo className="size-6" />
          <span className="hidden sm:inline">Runyard</span>
        </Link>
        <nav aria-label="Main" className="flex items-center gap-1">
          <Link to="/jobs" activeOptions={{ includeSearch: false }} className={navLook}>
            Jobs
          </Link>
          <Link to="/queues" className={navLook}>
            Queues
          </Link>
        </nav>
        <div className="flex-1" />
        <LiveLight />
        <button
          type="button"
          onClick={onPalette}
          className="flex h-8 items-center gap-2 rounded-md border border-line px-2 text-sm text-muted hover:bg-sunken"
        >
          <Search aria-hidden className="size-3.5" />
          <span className="hidden md:inline">Search or go to</span>
          <span className="sr-only md:hidden">Search or go to</span>
          <span className="hidden md:inline">
            <Kbd>{/Mac|iP/.test(navigator.platform) ? '⌘' : 'Ctrl'} K</Kbd>
          </span>
        </button>
        <ThemeButton />
        {me && (
          <span className="hidden text-sm text-muted sm:inline" title={`Signed in as ${me.username}, ${me.role}`}>
            {me.username}
            {me.role !== me.username && <span className="text-xs"> · {me.role}</span>}
          </span>
        )}
        <IconButton label="Sign out" onClick={leave}>
          <LogOut aria-hidden className="size-4" />
        </IconButton>
      </div>
    </header>
  )
}

const nextTheme: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }
const themeIcon = { system: Monitor, light: Sun, dark: Moon }

function ThemeButton() {
  const theme = useTheme()
  const Icon = themeIcon[theme]
  return (
    <IconButton label={`Colours: ${theme}. Change to ${nextTheme[theme]}`} onClick={() => setTheme(nextTheme[theme])}>
      <Icon aria-hidden className="size-4" />
    </IconButton>
  )
}

/** Whether what is on the page is live. Shape and words say it too, not only the colour. */
function LiveLight() {
  const open = useLiveState() === 'open'
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(!open), open ? 0 : 1500)
    return () => clearTimeout(timer)
  }, [open])
  return (
    <span role="status" className="flex items-center gap-1.5 px-1 text-xs text-muted">
      <span
        aria-hidden
        className={cn(
          'size-2 rounded-full',
          late ? 'border-2 border-running-fill' : open ? 'bg-passed-fill' : 'bg-line',
        )}
      />
      <span className={late ? '' : 'sr-only sm:not-sr-only'}>{late ? 'Reconnecting…' : open ? 'Live' : ''}</span>
    </span>
  )
}

/** Going to another page takes the focused link away; reading and tabbing then go on at the new content. */
function useFocusOnNewPage() {
  const path = useLocation({ select: (location) => location.pathname })
  const first = useRef(true)
  useEffect(() => {
    if (!first.current && document.activeElement === document.body) {
      document.getElementById('main')?.focus({ preventScroll: true })
    }
    first.current = false
  }, [path])
}

function useSignedOutRedirect() {
  const router = useRouter()
  const navigate = useNavigate()
  useEffect(
    () =>
      onSignedOut(() => {
        const to = router.state.location.href
        if (router.state.location.pathname === '/sign-in') return
        queryClient.clear()
        void navigate({ to: '/sign-in', search: { to, expired: true }, replace: true })
      }),
    [router, navigate],
  )
}
