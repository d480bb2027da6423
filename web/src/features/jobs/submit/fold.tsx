import type { ReactNode } from 'react'

interface FoldProps {
  title: string
  /** Something in it is wrong, so it must be seen. */
  open: boolean
  children: ReactNode
}

/** A part of the form that is rarely needed. */
export function Fold({ title, open, children }: FoldProps) {
  return (
    <details open={open || undefined} className="rounded-lg border border-line bg-surface">
      <summary className="rounded-lg p-4 text-sm font-semibold text-muted">{title}</summary>
      <div className="flex flex-col gap-4 px-4 pb-4">{children}</div>
    </details>
  )
}
