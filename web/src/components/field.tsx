import { useId, type ComponentProps, type ReactNode } from 'react'
import { cn } from '../lib/cn.ts'
import { sentence } from '../lib/sentence.ts'

const look = (className: string | undefined) =>
  cn(
    'block min-w-0 rounded-md border border-line-strong bg-surface text-base text-text',
    'placeholder:text-muted/80 aria-invalid:border-failed-fill disabled:opacity-60',
    className,
  )

/** Sizes are not left to `className`: two classes for one property would be decided by chance. */
interface Sized {
  /** As wide as its place; else as wide as `className` says. */
  wide?: boolean
  small?: boolean
}

const height = (small: boolean | undefined) => (small ? 'h-7' : 'h-8')

export function Input({
  className,
  wide = true,
  small,
  icon,
  ...rest
}: ComponentProps<'input'> & Sized & { icon?: boolean }) {
  return (
    <input className={look(cn(wide && 'w-full', height(small), icon ? 'pr-2 pl-8' : 'px-2.5', className))} {...rest} />
  )
}

export function TextArea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea className={look(cn('w-full px-2.5 py-1.5', className))} spellCheck={false} {...rest} />
}

/** The system's own menu: quick, familiar, and good on a phone. */
export function Select({ className, wide = true, small, ...rest }: ComponentProps<'select'> & Sized) {
  return <select className={look(cn(wide && 'w-full', height(small), 'pr-1 pl-2', className))} {...rest} />
}

/** What a control inside a `Field` must carry to be bound to its label, hint and error. */
export interface FieldBinding {
  id: string
  'aria-describedby': string | undefined
  'aria-invalid': true | undefined
}

/** The server's messages stand after a field's name in a terminal; here they stand below it, as whole sentences. */
const errorText = (label: string, error: string): string =>
  /^(is|are|has|must|may|can|cannot|needs|does) /.test(error) ? `${label.split(',')[0]} ${error}` : sentence(error)

interface FieldProps {
  label: string
  hint?: ReactNode
  error?: string
  optional?: boolean
  className?: string
  children: (binding: FieldBinding) => ReactNode
}

export function Field({ label, hint, error, optional, className, children }: FieldProps) {
  const id = useId()
  const describedBy = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ') || undefined
  return (
    <div className={cn('flex min-w-0 flex-col gap-1', className)}>
      <label htmlFor={id} className="text-sm font-medium wrap-anywhere">
        {label}
        {optional && <span className="ml-1.5 font-normal text-muted">optional</span>}
      </label>
      {children({ id, 'aria-describedby': describedBy, 'aria-invalid': error ? true : undefined })}
      {error && (
        <p id={`${id}-error`} className="text-sm text-failed">
          {errorText(label, error)}
        </p>
      )}
      {hint && (
        <p id={`${id}-hint`} className="text-xs text-muted">
          {hint}
        </p>
      )}
    </div>
  )
}
