import type { ReactNode } from 'react'
import { Empty, Loading } from '../../components/page-state.tsx'
import { useTitle } from '../../lib/use-title.ts'
import { useMe } from './session.ts'

/** A page of administration; to all others it says so instead of showing an error. */
export function AdminsOnly({ title, children }: { title: string; children: ReactNode }) {
  const me = useMe()
  useTitle(title)
  if (!me) return <Loading />
  if (me.role === 'admin') return children
  return (
    <Empty title="Only for administrators">
      <p className="text-muted">
        {title} is part of the administration, and you are signed in as {me.username} ({me.role}). An administrator can
        change your role.
      </p>
    </Empty>
  )
}
