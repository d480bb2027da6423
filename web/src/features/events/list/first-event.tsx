import { Link } from '@tanstack/react-router'
import { Empty } from '../../../components/page-state.tsx'
import type { EventKind } from '../../../lib/api.ts'
import { KindIcon } from '../kind-icon.tsx'

const starts: { kind: EventKind; title: string; text: string }[] = [
  { kind: 'bash', title: 'Run a script', text: 'Bash, Python or Node, sandboxed' },
  { kind: 'http', title: 'Call an API', text: 'With checks on the answer' },
  { kind: 'message', title: 'Send a message', text: 'Email, Slack, Discord, webhook' },
  { kind: 'pipeline', title: 'Start a pipeline', text: 'With variables of its own' },
]

export function FirstEvent({ mayWrite }: { mayWrite: boolean }) {
  return (
    <Empty title="Nothing is automated yet">
      <p className="text-muted">
        An event is something that runs by itself: on a schedule, when a webhook comes in, or when something else has
        ended. What it finds it hands on.
      </p>
      {mayWrite ? (
        <ul className="grid w-full gap-2 text-left sm:grid-cols-2">
          {starts.map(({ kind, title, text }) => (
            <li key={kind}>
              <Link
                to="/events/new"
                search={{ kind }}
                className="flex items-start gap-3 rounded-lg border border-line bg-surface p-3 hover:border-line-strong"
              >
                <KindIcon kind={kind} className="mt-0.5" />
                <span>
                  <span className="block font-semibold">{title}</span>
                  <span className="block text-sm text-muted">{text}</span>
                </span>
              </Link>
            </li>
          ))}
        </ul>
      ) : (
        <p className="text-muted">Viewers read: an operator makes the first one, and shares it with you.</p>
      )}
    </Empty>
  )
}
