import { Link } from '@tanstack/react-router'
import { ArrowRight } from 'lucide-react'
import type { ReactNode } from 'react'
import type { FileRouteTypes } from '../../routeTree.gen.ts'

/** From a card to the page that has all of it. */
export function MoreLink({ to, search, children }: { to: FileRouteTypes['to']; search?: object; children: ReactNode }) {
  return (
    <Link
      to={to}
      search={search as never}
      className="flex items-center gap-1 rounded text-xs font-medium text-accent hover:underline"
    >
      {children} <ArrowRight aria-hidden className="size-3" />
    </Link>
  )
}
