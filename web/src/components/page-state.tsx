import type { ReactNode } from 'react'
import { problemOf } from '../lib/problem.ts'
import { Alert } from './alert.tsx'
import { Button } from './button.tsx'

/** An empty place that says what to do next. `page`: it is all there is, and its title the page's. */
export function Empty({ title, page, children }: { title: string; page?: boolean; children?: ReactNode }) {
  const Heading = page ? 'h1' : 'h2'
  return (
    <div className="mx-auto flex w-full max-w-xl flex-col items-center gap-3 px-4 py-14 text-center">
      <Heading className="text-lg font-semibold">{title}</Heading>
      {children}
    </div>
  )
}

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = problemOf(error)
  return (
    <Alert action={retry && <Button onClick={retry}>Try again</Button>} className="items-center">
      {problem.message}
    </Alert>
  )
}

/** Stands in for content on its way; appears late, so that a quick answer does not flicker. */
export function Loading({ rows = 6, label = 'Loading' }: { rows?: number; label?: string }) {
  return (
    <div role="status" aria-label={label} className="appear-late flex flex-col gap-2 p-4">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="h-8 animate-pulse-slow rounded bg-sunken" />
      ))}
    </div>
  )
}
