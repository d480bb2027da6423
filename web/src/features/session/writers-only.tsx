import { PageHead } from '../../components/page-head.tsx'
import { Empty, Loading } from '../../components/page-state.tsx'
import type { ReactNode } from 'react'
import { useMe } from './session.ts'

/** A page for submitting; viewers are told who can help instead of a form that would be refused. */
export function WritersOnly({ title, children }: { title: string; children: ReactNode }) {
  const me = useMe()
  if (!me) return <Loading />
  if (me.role !== 'viewer') return children
  return (
    <>
      <PageHead title={title} />
      <Empty title="Viewers read">
        <p className="text-muted">
          You are signed in as {me.username} (viewer). To submit jobs, ask an administrator for the operator role.
        </p>
      </Empty>
    </>
  )
}
