import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import { cn } from '../lib/cn.ts'

interface MenuProps {
  /** What the button shows. */
  trigger: ReactNode
  /** Of the list. */
  label: string
  /** Of the button, when what it shows is no name. */
  triggerLabel?: string
  triggerClassName?: string
  /** On which side of the button it opens. */
  up?: boolean
  align?: 'left' | 'right'
  children: ReactNode
}

const items = (menu: HTMLElement | null) => [...(menu?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])]

/** A button with a short list of acts beneath it. Arrow keys move, Escape and a click elsewhere close it. */
export function Menu({ trigger, label, triggerLabel, triggerClassName, up, align = 'right', children }: MenuProps) {
  const [open, setOpen] = useState(false)
  const id = useId()
  const root = useRef<HTMLDivElement>(null)
  const menu = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (!open) return
    items(menu.current)[0]?.focus()
    const outside = (event: PointerEvent) => !root.current?.contains(event.target as Node) && setOpen(false)
    document.addEventListener('pointerdown', outside)
    return () => document.removeEventListener('pointerdown', outside)
  }, [open])
  const onKeyDown = (event: KeyboardEvent) => {
    const list = items(menu.current)
    const at = list.indexOf(document.activeElement as HTMLElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: list.length - 1 }[event.key]
    if (to !== undefined) list[(to + list.length) % list.length]?.focus()
    else if (event.key === 'Escape') button.current?.focus()
    if (event.key === 'Escape' || event.key === 'Tab') setOpen(false)
    if (to !== undefined || event.key === 'Escape') event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div ref={root} className="relative">
      <button
        ref={button}
        type="button"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={triggerLabel}
        className={triggerClassName}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => event.key === 'ArrowDown' && (event.preventDefault(), setOpen(true))}
      >
        {trigger}
      </button>
      {open && (
        <div
          ref={menu}
          id={id}
          role="menu"
          aria-label={label}
          tabIndex={-1}
          onKeyDown={onKeyDown}
          onClick={() => setOpen(false)}
          className={cn(
            'absolute z-40 flex min-w-44 flex-col rounded-lg border border-line bg-surface p-1 shadow-lg',
            up ? 'bottom-full mb-1' : 'top-full mt-1',
            align === 'right' ? 'right-0' : 'left-0',
          )}
        >
          {children}
        </div>
      )}
    </div>
  )
}

export const menuItemLook = (danger?: boolean) =>
  cn(
    'flex items-center gap-2.5 rounded-md px-2.5 py-1.5 text-left text-sm whitespace-nowrap outline-none',
    'hover:bg-sunken focus:bg-sunken disabled:opacity-55',
    danger ? 'text-failed' : 'text-text',
  )

export function MenuItem(props: {
  onSelect: () => void
  danger?: boolean
  disabled?: boolean
  /** One of several choices: whether it holds. */
  checked?: boolean
  children: ReactNode
}) {
  return (
    <button
      type="button"
      role={props.checked === undefined ? 'menuitem' : 'menuitemradio'}
      aria-checked={props.checked}
      tabIndex={-1}
      disabled={props.disabled}
      className={menuItemLook(props.danger)}
      onClick={props.onSelect}
    >
      {props.children}
    </button>
  )
}

export const MenuLine = () => <div role="separator" className="my-1 border-t border-line" />
