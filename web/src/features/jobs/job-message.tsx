import { Link } from '@tanstack/react-router'
import { Card } from '../../components/card.tsx'
import type { Job } from '../../lib/api.ts'
import { visibleText } from '../../lib/visible-text.ts'

/** What a notice says; such a job runs no command. */
export function JobMessage({ message }: { message: NonNullable<Job['message']> }) {
  return (
    <Card
      title="Message"
      action={
        <Link to="/channels" className="rounded text-xs font-medium text-accent hover:underline">
          Channel {message.channel}
        </Link>
      }
    >
      <div className="text-sm break-words">
        <p className="font-semibold" dir="auto">
          {visibleText(message.subject)}
        </p>
        <p className="mt-1 whitespace-pre-wrap text-muted" dir="auto">
          {message.text}
        </p>
      </div>
    </Card>
  )
}
