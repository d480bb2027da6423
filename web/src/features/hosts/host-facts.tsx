import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Card } from '../../components/card.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import type { Host } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { byteSize } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { limitsText } from './facts.ts'
import { BreakerBadge } from './host-badges.tsx'
import { LastReached } from './host-table.tsx'
import { authLabels } from './words.ts'

/** What it is, how it is reached, and how well that goes. */
export function HostFacts({ host }: { host: Host }) {
  return (
    <aside aria-label="About this host" className="flex min-w-0 flex-col gap-4">
      <Card title="How well it is reached" className="gap-2">
        <Reached host={host} />
      </Card>
      <Card title="What it is" className="gap-2">
        <Machine host={host} />
      </Card>
      {host.connection && (
        <Card title="Connection" className="gap-2">
          <Connection connection={host.connection} openTo={host.open_to} />
        </Card>
      )}
    </aside>
  )
}

function Reached({ host }: { host: Host }) {
  return (
    <>
      <Facts>
        <Fact name="Last reached">
          <LastReached host={host} />
          {host.last_job_id && (
            <>
              {' by '}
              <Link
                to="/jobs/$id"
                params={{ id: host.last_job_id }}
                className="font-mono text-xs text-accent hover:underline"
              >
                {host.last_job_id}
              </Link>
            </>
          )}
        </Fact>
        {host.last_error && (
          <Fact name="Last error">
            {sentence(visibleText(host.last_error))}
            {host.last_failed_at && <RelativeTime at={host.last_failed_at} className="ml-1.5 text-muted" />}
          </Fact>
        )}
      </Facts>
      {host.runners.length === 0 && <p className="text-sm text-muted">No runner has a connection to it now.</p>}
      {host.runners.length > 0 && (
        <table aria-label="Connections by runner" className="w-full text-sm">
          <thead className="text-left text-xs text-muted">
            <tr>
              <th scope="col" className="py-1 font-normal">
                Runner
              </th>
              <th scope="col" className="py-1 pr-3 font-normal">
                Breaker
              </th>
              <th scope="col" className="py-1 pl-3 text-right font-normal">
                Connections
              </th>
              <th scope="col" className="py-1 pl-3 text-right font-normal">
                Sessions
              </th>
            </tr>
          </thead>
          <tbody>
            {host.runners.map((runner) => (
              <tr key={runner.runner} className="border-t border-line align-top">
                <th scope="row" className="w-full max-w-0 py-1 pr-2 text-left font-medium">
                  <span className="block truncate">{runner.runner}</span>
                  {runner.last_error && (
                    <span className="block text-xs font-normal text-muted wrap-anywhere">
                      {sentence(visibleText(runner.last_error))}
                    </span>
                  )}
                </th>
                <td className="py-1 pr-3">
                  <BreakerBadge breaker={runner.breaker} />
                  {runner.failures > 0 && (
                    <span className="block text-xs text-muted">
                      {runner.failures} failed
                      {runner.retry_at && (
                        <>
                          , again <RelativeTime at={runner.retry_at} />
                        </>
                      )}
                    </span>
                  )}
                </td>
                <td className="py-1 text-right tabular-nums">{runner.connections}</td>
                <td className="py-1 text-right tabular-nums">{runner.sessions}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  )
}

function Machine({ host: { facts } }: { host: Host }) {
  if (!facts) return <p className="text-sm text-muted">A test of the host brings it.</p>
  return (
    <Facts>
      <Fact name="Host name">{facts.hostname}</Fact>
      <Fact name="System">{facts.os}</Fact>
      <Fact name="Kernel">{[facts.kernel, facts.arch].filter(Boolean).join(' ') || null}</Fact>
      <Fact name="Cores">{facts.cores}</Fact>
      <Fact name="Memory">{facts.memory_bytes === null ? null : byteSize(facts.memory_bytes)}</Fact>
      <Fact name="Limits by">{limitsText(facts)}</Fact>
      <Fact name="Runs as">
        {facts.user}
        {facts.uid !== null && <span className="text-muted"> uid {facts.uid}</span>}
      </Fact>
      <Fact name="Tools">{facts.tools.join(', ') || null}</Fact>
      <Fact name="Seen">
        <RelativeTime at={facts.at} />
      </Fact>
    </Facts>
  )
}

function Connection({ connection, openTo }: { connection: NonNullable<Host['connection']>; openTo: Host['open_to'] }) {
  return (
    <Facts>
      <Fact name="Signs in with">{authLabels[connection.auth]}</Fact>
      <Fact name="Through">
        {connection.jump && (
          <Link to="/hosts/$name" params={{ name: connection.jump }} className="text-accent hover:underline">
            {connection.jump}
          </Link>
        )}
      </Fact>
      <Fact name="Connections">at most {connection.connections} of each runner</Fact>
      <Fact name="Keep-alive">every {connection.keep_alive_seconds} s</Fact>
      <Fact name="Open to">{openTo === 'admins' ? 'administrators only' : 'operators and administrators'}</Fact>
      <Fact name="Keys">
        {connection.keys.length === 0
          ? 'none confirmed'
          : connection.keys.map((key) => (
              <span key={key.fingerprint} className="block">
                {key.type}
                <span className="text-muted">
                  {' '}
                  by {key.confirmed_by}, <RelativeTime at={key.confirmed_at} />
                </span>
                <code className="block font-mono text-xs break-all text-muted">{key.fingerprint}</code>
              </span>
            ))}
      </Fact>
    </Facts>
  )
}

const Facts = ({ children }: { children: ReactNode }) => <dl className="flex flex-col text-sm">{children}</dl>

function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (children === null || children === undefined || children === '') return null
  return (
    <div className="flex gap-3 border-t border-line py-1.5 first:border-t-0">
      <dt className="w-24 shrink-0 text-muted">{name}</dt>
      <dd className="min-w-0 flex-1 wrap-anywhere">{children}</dd>
    </div>
  )
}
