import { Link } from '@tanstack/react-router'
import { PanelLeftClose, PanelLeftOpen, Search } from 'lucide-react'
import { IconButton } from '../../components/button.tsx'
import { Kbd } from '../../components/kbd.tsx'
import { Tooltip } from '../../components/tooltip.tsx'
import { cn } from '../../lib/cn.ts'
import { useMe } from '../session/session.ts'
import { LiveLight } from './live-light.tsx'
import { Logo } from './logo.tsx'
import { placesFor, type Place } from './places.ts'
import { UserMenu } from './user-menu.tsx'

interface SidebarProps {
  /** Icons only. */
  slim?: boolean
  onSlim?: () => void
  onPalette: () => void
  onHelp: () => void
}

/** Where one can go, who one is, and whether the page is live. On narrow screens it is the drawer's content. */
export function Sidebar({ slim, onSlim, onPalette, onHelp }: SidebarProps) {
  const me = useMe()
  return (
    <div className="flex h-full flex-col gap-3 px-2 py-3">
      <div className={cn('flex items-center', slim ? 'flex-col gap-2' : 'justify-between')}>
        <Link
          to="/overview"
          aria-label="Runyard, overview"
          className="flex items-center gap-2 rounded-md px-1 font-semibold"
        >
          <Logo className="size-6" />
          {!slim && <span>Runyard</span>}
        </Link>
        {onSlim && (
          <IconButton
            small
            label={slim ? 'Widen the sidebar' : 'Narrow the sidebar'}
            aria-expanded={!slim}
            onClick={onSlim}
          >
            {slim ? (
              <PanelLeftOpen aria-hidden className="size-4" />
            ) : (
              <PanelLeftClose aria-hidden className="size-4" />
            )}
          </IconButton>
        )}
      </div>
      <SearchButton slim={slim} onPalette={onPalette} />
      <nav
        aria-label="Main"
        className={cn(
          'flex min-h-0 flex-1 flex-col overflow-y-auto',
          // A scrollbar would take half of the width.
          slim ? 'gap-2 [scrollbar-width:none]' : 'gap-3.5',
        )}
      >
        {placesFor(me?.role).map(({ title, places }) => (
          <div key={title}>
            {slim ? (
              <div aria-hidden className="mx-2 mb-2 border-t border-line" />
            ) : (
              <h2 className="mb-1 px-2 text-xs font-medium text-muted">{title}</h2>
            )}
            <ul className="flex flex-col gap-px">
              {places.map((place) => (
                <li key={place.to}>
                  <NavLink place={place} slim={slim} />
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <div className={cn('flex flex-col gap-1', slim && 'items-center')}>
        <LiveLight small={slim} />
        <UserMenu small={slim} up onHelp={onHelp} />
      </div>
    </div>
  )
}

function NavLink({ place, slim }: { place: Place; slim?: boolean }) {
  const { to, label, icon: Icon, key } = place
  const link = (
    <Link
      to={to}
      activeOptions={{ includeSearch: false }}
      aria-label={slim ? label : undefined}
      className={cn(
        'flex h-9 items-center gap-2.5 rounded-md px-2 text-sm font-medium focus-visible:-outline-offset-2 lg:h-7.5 text-muted hover:bg-sunken hover:text-text',
        'aria-[current=page]:bg-accent-soft aria-[current=page]:text-accent',
        slim && 'w-9 justify-center',
      )}
    >
      <Icon aria-hidden className="size-4 shrink-0" />
      {!slim && <span className="flex-1">{label}</span>}
    </Link>
  )
  if (!slim) return link
  return (
    <Tooltip
      text={
        <>
          {label} <span className="ml-1 text-muted">g {key}</span>
        </>
      }
    >
      {link}
    </Tooltip>
  )
}

function SearchButton({ slim, onPalette }: { slim?: boolean; onPalette: () => void }) {
  if (slim) {
    return (
      <IconButton label="Search or go to" className="mx-auto" onClick={onPalette}>
        <Search aria-hidden className="size-4" />
      </IconButton>
    )
  }
  return (
    <button
      type="button"
      onClick={onPalette}
      className="flex h-8 shrink-0 items-center gap-2 rounded-md border border-line px-2 text-sm text-muted hover:bg-sunken"
    >
      <Search aria-hidden className="size-3.5" />
      <span className="flex-1 text-left">Search or go to</span>
      <Kbd>{/Mac|iP/.test(navigator.platform) ? '⌘' : 'Ctrl'} K</Kbd>
    </button>
  )
}
