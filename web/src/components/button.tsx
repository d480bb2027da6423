import type { ComponentProps } from 'react'
import { cn } from '../lib/cn.ts'

export type ButtonKind = 'primary' | 'plain' | 'quiet' | 'danger' | 'pressed'
export type ButtonSize = 'normal' | 'small' | 'icon' | 'small-icon'

const kinds: Record<ButtonKind, string> = {
  primary: 'bg-accent text-on-accent hover:bg-accent-hover border-transparent',
  plain: 'bg-surface text-text border-line hover:bg-sunken',
  quiet: 'bg-transparent text-muted border-transparent hover:bg-sunken hover:text-text',
  danger: 'bg-surface text-failed border-line hover:bg-failed-soft hover:border-failed-fill',
  pressed: 'bg-accent-soft text-accent border-transparent',
}
const sizes: Record<ButtonSize, string> = {
  normal: 'h-8 px-2.5',
  small: 'h-7 px-2',
  icon: 'size-8',
  'small-icon': 'size-7',
}

/** The look alone, for links that act like buttons. */
export const buttonLook = (kind: ButtonKind = 'plain', size: ButtonSize = 'normal', className?: string) =>
  cn(
    'inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md border text-sm font-medium',
    'whitespace-nowrap transition-colors disabled:opacity-55 aria-disabled:cursor-default aria-disabled:opacity-55',
    kinds[kind],
    sizes[size],
    className,
  )

interface ButtonProps extends ComponentProps<'button'> {
  kind?: ButtonKind
  size?: ButtonSize
  /** Does nothing for now. Unlike a disabled one it keeps the focus, which would else fall back to the page's beginning. */
  busy?: boolean
}

export function Button({ kind, size, className, type = 'button', busy, onClick, ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={buttonLook(kind, size, className)}
      aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      {...rest}
    />
  )
}

/** A square button with nothing but an icon; the label is read out and shown on hover. */
export function IconButton({ label, small, ...rest }: ComponentProps<'button'> & { label: string; small?: boolean }) {
  return <Button kind="quiet" size={small ? 'small-icon' : 'icon'} aria-label={label} title={label} {...rest} />
}

/** A button that stays pressed. */
export function Toggle({ pressed, ...rest }: ComponentProps<'button'> & { pressed: boolean }) {
  return <Button kind={pressed ? 'pressed' : 'quiet'} size="small" aria-pressed={pressed} {...rest} />
}
