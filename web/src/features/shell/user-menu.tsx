import { useNavigate } from '@tanstack/react-router'
import { Check, ChevronsUpDown, Keyboard, LogOut, Monitor, Moon, Sun, UserCog } from 'lucide-react'
import { Menu, MenuItem, MenuLine } from '../../components/menu.tsx'
import { cn } from '../../lib/cn.ts'
import { setTheme, useTheme, type Theme } from '../../lib/theme.ts'
import { signOut, useMe } from '../session/session.ts'

const themes: [Theme, string, typeof Sun][] = [
  ['system', 'Colours of the system', Monitor],
  ['light', 'Light colours', Sun],
  ['dark', 'Dark colours', Moon],
]

/** Who is signed in, and what concerns only them. */
export function UserMenu({ small, up, onHelp }: { small?: boolean; up?: boolean; onHelp: () => void }) {
  const me = useMe()
  const navigate = useNavigate()
  const theme = useTheme()
  const name = me?.username ?? ''
  return (
    <Menu
      label="Account"
      up={up}
      align={up ? 'left' : 'right'}
      triggerClassName={cn('flex items-center gap-2 rounded-md p-1 text-left hover:bg-sunken', !small && 'w-full')}
      trigger={
        <>
          <span
            aria-hidden
            className="flex size-7 shrink-0 items-center justify-center rounded-full bg-accent-soft text-xs font-semibold text-accent uppercase"
          >
            {name.slice(0, 2)}
          </span>
          {small && <span className="sr-only">Account: {name}</span>}
          {!small && (
            <>
              <span className="min-w-0 flex-1 leading-tight">
                <span className="block truncate text-sm font-medium">
                  <span className="sr-only">Account: </span>
                  {name}
                </span>
                {me?.role !== name && <span className="block text-xs text-muted">{me?.role}</span>}
              </span>
              <ChevronsUpDown aria-hidden className="size-3.5 shrink-0 text-muted" />
            </>
          )}
        </>
      }
    >
      <MenuItem onSelect={() => void navigate({ to: '/profile' })}>
        <UserCog aria-hidden className="size-4 text-muted" /> Profile
      </MenuItem>
      <MenuItem onSelect={onHelp}>
        <Keyboard aria-hidden className="size-4 text-muted" /> Keyboard
      </MenuItem>
      <MenuLine />
      {themes.map(([value, label, Icon]) => (
        <MenuItem key={value} checked={theme === value} onSelect={() => setTheme(value)}>
          <Icon aria-hidden className="size-4 text-muted" /> <span className="flex-1">{label}</span>
          {theme === value && <Check aria-hidden className="size-4 text-accent" />}
        </MenuItem>
      ))}
      <MenuLine />
      <MenuItem onSelect={() => void signOut().finally(() => void navigate({ to: '/sign-in' }))}>
        <LogOut aria-hidden className="size-4 text-muted" /> Sign out
      </MenuItem>
    </Menu>
  )
}
