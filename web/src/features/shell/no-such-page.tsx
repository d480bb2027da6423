import { Link, useLocation } from '@tanstack/react-router'
import { buttonLook } from '../../components/button.tsx'
import { Empty } from '../../components/page-state.tsx'
import { useTitle } from '../../lib/use-title.ts'

export function NoSuchPage() {
  const path = useLocation({ select: (location) => location.pathname })
  useTitle('No such page')
  return (
    <Empty page title="There is no such page">
      <p className="text-muted">
        Nothing is at <code className="font-mono break-all">{path}</code>.
      </p>
      <Link to="/overview" className={buttonLook()}>
        Overview
      </Link>
    </Empty>
  )
}
