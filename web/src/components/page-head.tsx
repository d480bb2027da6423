import type { ReactNode } from 'react'
import { useTitle } from '../lib/use-title.ts'

interface PageHeadProps {
  title: string
  /** One line about the page, when its title does not say enough. */
  description?: ReactNode
  /** The page's acts, at the right. */
  children?: ReactNode
}

/** The title of a page, also of its tab, and what can be done there. */
export function PageHead({ title, description, children }: PageHeadProps) {
  useTitle(title)
  return (
    <div className="flex min-h-8 flex-wrap items-center justify-between gap-x-4 gap-y-2">
      <div className="min-w-0">
        <h1 className="text-xl font-semibold">{title}</h1>
        {description && <p className="text-sm text-muted">{description}</p>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </div>
  )
}
