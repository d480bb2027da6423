import { Link } from '@tanstack/react-router'
import { buttonLook } from '../../../components/button.tsx'
import { Empty } from '../../../components/page-state.tsx'
import { useTitle } from '../../../lib/use-title.ts'

export function NoSuchEvent({ name }: { name: string }) {
  useTitle('No such event')
  return (
    <Empty page title="No such event">
      <p className="text-muted">
        There is no event <code className="font-mono break-all">{name}</code>, or it is not yours to see.
      </p>
      <Link to="/events" className={buttonLook()}>
        All events
      </Link>
    </Empty>
  )
}
