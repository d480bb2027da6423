import { Link } from '@tanstack/react-router'
import { Card } from '../../components/card.tsx'
import type { Attempt, Job, JobResult } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { duration } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { StateIcon } from './state-chip.tsx'
import { states } from './states.ts'

type HostResult = NonNullable<JobResult['hosts']>[number]

/** How it ended on each of several hosts, those that failed first; of the newest attempt that says. */
export function HostResults({ job, attempts }: { job: Job; attempts: Attempt[] }) {
  const results = job.result?.hosts ?? attempts.findLast(({ result }) => result?.hosts)?.result?.hosts
  if (!results || results.length < 2) return null
  const good = results.filter(({ state }) => state === 'succeeded').length
  return (
    <Card
      title="Hosts"
      action={
        <span className="text-xs text-muted">
          {good} of {results.length} succeeded
        </span>
      }
      className="gap-2"
    >
      <table aria-label="Result by host" className="w-full text-sm">
        <thead className="sr-only">
          <tr>
            <th scope="col">Host</th>
            <th scope="col">Result</th>
            <th scope="col">Run time</th>
          </tr>
        </thead>
        <tbody>
          {inOrder(results).map((one) => (
            <HostRow key={one.host} result={one} />
          ))}
        </tbody>
      </table>
    </Card>
  )
}

function HostRow({ result }: { result: HostResult }) {
  const { host, state, message, started_at, ended_at, remaining_processes } = result
  const note = [
    state !== 'succeeded' && message ? sentence(visibleText(message)) : null,
    remaining_processes ? `${remaining_processes} processes are still there` : null,
  ].filter((one) => one !== null)
  return (
    <tr className="border-t border-line align-top first:border-t-0">
      <th scope="row" className="w-full max-w-0 py-1 pr-2 text-left font-normal">
        <Link
          to="/hosts/$name"
          params={{ name: host }}
          className="flex items-center gap-1.5 rounded font-medium hover:text-accent"
        >
          <StateIcon state={state} />
          <span className="truncate">{host}</span>
        </Link>
        {note.length > 0 && <p className="text-xs text-muted wrap-anywhere">{note.join('. ')}</p>}
      </th>
      <td className="py-1 pr-2 whitespace-nowrap text-muted">{endText(result)}</td>
      <td className="py-1 text-right whitespace-nowrap text-muted tabular-nums">
        {started_at && ended_at ? duration(Date.parse(ended_at) - Date.parse(started_at)) : ''}
      </td>
    </tr>
  )
}

const endText = ({ state, exit_code, signal }: HostResult): string =>
  signal ?? (exit_code === null || state === 'succeeded' ? states[state].label : `exit ${exit_code}`)

/** What needs a look first; names as people count them, web2 before web10. */
const inOrder = (results: readonly HostResult[]): HostResult[] =>
  results.toSorted(
    (a, b) =>
      Number(a.state === 'succeeded') - Number(b.state === 'succeeded') ||
      a.host.localeCompare(b.host, undefined, { numeric: true }),
  )
