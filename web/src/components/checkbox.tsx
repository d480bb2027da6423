import { useEffect, useRef, type ComponentProps } from 'react'
import { cn } from '../lib/cn.ts'

type CheckboxProps = Omit<ComponentProps<'input'>, 'type'> & {
  label?: string
  /** Some, but not all, of what it stands for. */
  mixed?: boolean
}

/** A checkbox: inside its own `<label>`, or in a list, where `label` is only read out. */
export function Checkbox({ label, mixed = false, className, ...rest }: CheckboxProps) {
  const box = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (box.current) box.current.indeterminate = mixed
  }, [mixed])
  return (
    <input
      ref={box}
      type="checkbox"
      aria-label={label}
      className={cn('size-4 shrink-0 accent-accent', className)}
      {...rest}
    />
  )
}
