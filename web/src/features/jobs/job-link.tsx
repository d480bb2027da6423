import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { visibleText } from '../../lib/visible-text.ts'
import { jobQuery } from './queries.ts'

/** To another job: by its name when that can be read, else by its id. */
export function JobLink({ id, named = true }: { id: string; named?: boolean }) {
  const { data } = useQuery({
    ...jobQuery(id),
    enabled: named,
    staleTime: 60_000,
    refetchInterval: false,
    retry: false,
  })
  return (
    <Link to="/jobs/$id" params={{ id }} title={id} className="text-accent underline underline-offset-2" dir="auto">
      {data ? visibleText(data.name) : <span className="font-mono text-xs">{id}</span>}
    </Link>
  )
}
