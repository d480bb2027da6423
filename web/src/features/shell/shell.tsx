import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { Menu as MenuIcon, Search } from 'lucide-react'
import { Suspense, useEffect, useState } from 'react'
import { IconButton } from '../../components/button.tsx'
import { cn } from '../../lib/cn.ts'
import { lazyPart } from '../../lib/lazy-part.ts'
import { live } from '../../lib/live-page.ts'
import { useKeys } from '../../lib/use-keys.ts'
import { useMe } from '../session/session.ts'
import { Drawer } from './drawer.tsx'
import { LiveLight } from './live-light.tsx'
import { Logo } from './logo.tsx'
import { LostBar } from './lost-bar.tsx'
import { placesFor, profile } from './places.ts'
import { Sidebar } from './sidebar.tsx'
import { useLoadAhead } from './use-load-ahead.ts'
import { useFocusOnNewPage, useSignedOutRedirect, useSlim } from './use-shell.ts'

const Palette = lazyPart(() => import('./palette.tsx'))
const KeyHelp = lazyPart(() => import('./key-help.tsx'))

type Open = 'palette' | 'help' | 'drawer' | null

/** What every page stands in: places, keyboard, live connection. */
export function Shell() {
  const [open, setOpen] = useState<Open>(null)
  const [slim, setSlim] = useSlim()
  useEffect(() => live.keep(), [])
  useSignedOutRedirect()
  useFocusOnNewPage()
  useShellKeys(setOpen)
  useLoadAhead()
  const acts = { onPalette: () => setOpen('palette'), onHelp: () => setOpen('help') }
  const close = () => setOpen(null)
  return (
    <div className="flex min-h-dvh">
      <a href="#main" className="skip-link rounded-md bg-accent px-3 py-1.5 text-on-accent">
        Skip to the content
      </a>
      <header
        className={cn(
          'sticky top-0 z-30 hidden h-dvh shrink-0 border-r border-line bg-surface lg:block',
          slim ? 'w-13' : 'w-52',
        )}
      >
        <Sidebar slim={slim} onSlim={() => setSlim(!slim)} {...acts} />
      </header>
      <div className="flex min-w-0 flex-1 flex-col">
        <TopBar onDrawer={() => setOpen('drawer')} onPalette={acts.onPalette} />
        <LostBar />
        <main
          id="main"
          tabIndex={-1}
          className="mx-auto flex w-full max-w-[110rem] flex-1 flex-col px-3 py-4 outline-none sm:px-5"
        >
          <Outlet />
        </main>
      </div>
      <Drawer open={open === 'drawer'} onClose={() => setOpen((now) => (now === 'drawer' ? null : now))} {...acts} />
      <Suspense>
        {open === 'palette' && <Palette onClose={close} onHelp={acts.onHelp} />}
        {open === 'help' && <KeyHelp onClose={close} />}
      </Suspense>
    </div>
  )
}

/** Only where there is no place for the sidebar. */
function TopBar({ onDrawer, onPalette }: { onDrawer: () => void; onPalette: () => void }) {
  return (
    <header className="sticky top-0 z-30 flex h-12 items-center gap-1 border-b border-line bg-surface px-2 lg:hidden">
      <IconButton label="Menu" aria-haspopup="dialog" onClick={onDrawer}>
        <MenuIcon aria-hidden className="size-4.5" />
      </IconButton>
      <Link
        to="/overview"
        aria-label="Runyard, overview"
        className="flex items-center gap-2 rounded-md px-1 font-semibold"
      >
        <Logo className="size-6" /> Runyard
      </Link>
      <div className="flex-1" />
      <LiveLight small />
      <IconButton label="Search or go to" onClick={onPalette}>
        <Search aria-hidden className="size-4" />
      </IconButton>
    </header>
  )
}

function useShellKeys(setOpen: (open: Open | ((now: Open) => Open)) => void) {
  const navigate = useNavigate()
  const me = useMe()
  const places = [...placesFor(me?.role).flatMap((group) => group.places), profile]
  useKeys({
    n: () => void navigate({ to: '/jobs/new' }),
    '?': () => setOpen('help'),
    ...Object.fromEntries(places.map(({ key, to }) => [`g ${key}`, () => void navigate({ to })])),
  })
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey) || event.shiftKey) return
      event.preventDefault()
      setOpen((now) => (now === 'palette' ? null : 'palette'))
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [setOpen])
}
