import type { ReactNode } from 'react'
import { PageHead } from '../../components/page-head.tsx'
import { Empty, Loading } from '../../components/page-state.tsx'
import { useMe } from './session.ts'

/** A page of administration; to all others it says so instead of showing an error. */
export function AdminsOnly({ title, children }: { title: string; children: ReactNode }) {
  const me = useMe()
  if (!me) return <Loading />
  if (me.role === 'admin') return children
  return (
    <>
      <PageHead title={title} />
      <Empty title="Only for administrators">
        <p className="text-muted">
          You are signed in as {me.username} ({me.role}). An administrator can do this for you, or change your role.
        </p>
      </Empty>
    </>
  )
}
