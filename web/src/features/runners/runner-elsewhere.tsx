import { Link } from '@tanstack/react-router'
import { Badge } from '../../components/badge.tsx'
import type { Runner } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { breakerWords, type Breaker } from '../hosts/words.ts'
import { ExecutorIcon } from '../jobs/place/executor-icon.tsx'
import { executorWords } from '../jobs/place/executors.ts'
import { elsewhereOf, type Elsewhere, type HostLink } from './facilities.ts'

/** Where the runner takes jobs besides its own sandbox: engine, hosts, clusters. */
export function RunnerElsewhere({ runner }: { runner: Runner }) {
  const places = elsewhereOf(runner.facilities)
  if (places.length === 0) return null
  return (
    <div>
      <h3 className="mb-1.5 text-sm font-semibold text-muted">Elsewhere</h3>
      <ul className="flex flex-col gap-2 text-sm">
        {places.map((place) => (
          <Place key={place.executor} place={place} />
        ))}
      </ul>
    </div>
  )
}

function Place({ place: { executor, title, problem, lines, hosts } }: { place: Elsewhere }) {
  return (
    <li className="flex gap-2">
      <ExecutorIcon executor={executor} plain className="mt-0.5 text-muted" />
      <div className="min-w-0 flex-1 wrap-anywhere">
        {executorWords(executor).label} <span className="text-muted">{visibleText(title)}</span>
        {problem && <p className="text-failed">{sentence(visibleText(problem))}</p>}
        {lines.map((line) => (
          <p key={line} className="text-muted">
            {visibleText(line)}
          </p>
        ))}
        {executor === 'ssh' && hosts.length === 0 && !problem && <p className="text-muted">No connection now.</p>}
        {hosts.length > 0 && (
          <ul className="mt-0.5 flex flex-col gap-0.5">
            {hosts.map((host) => (
              <Host key={host.name} host={host} />
            ))}
          </ul>
        )}
      </div>
    </li>
  )
}

function Host({ host: { name, breaker, connections, sessions, lastError } }: { host: HostLink }) {
  const words = Object.hasOwn(breakerWords, breaker) ? breakerWords[breaker as Breaker] : null
  return (
    <li className="flex flex-wrap items-center gap-x-2" title={lastError === null ? undefined : visibleText(lastError)}>
      <Link to="/hosts/$name" params={{ name }} className="rounded hover:text-accent hover:underline">
        {name}
      </Link>
      {words && breaker !== 'closed' && (
        <Badge tone={words.tone} title={words.meaning}>
          {words.label}
        </Badge>
      )}
      <span className="text-muted tabular-nums">
        {connections === 1 ? '1 connection' : `${connections} connections`}
        {sessions > 0 && `, ${sessions === 1 ? '1 session' : `${sessions} sessions`}`}
      </span>
    </li>
  )
}
