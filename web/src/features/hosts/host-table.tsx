import { Link } from '@tanstack/react-router'
import { KeyRound, Play, SquareTerminal } from 'lucide-react'
import { Badge } from '../../components/badge.tsx'
import { Button, buttonLook } from '../../components/button.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ActsTd, ActsTh, Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import type { Host } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { factsLine } from './facts.ts'
import { Connections, StateBadge } from './host-badges.tsx'
import type { HostAct } from './host-dialogs.tsx'

interface HostTableProps {
  hosts: Host[]
  /** The keyboard is here. */
  current: string | null
  /** Missing: the reader may not act on them. */
  onAct?: (act: HostAct) => void
}

export function HostTable({ hosts, current, onAct }: HostTableProps) {
  const seen = hosts.some(({ connection }) => connection !== null)
  return (
    <Table label="Hosts" wide>
      <TableHead>
        <Th>Name</Th>
        <Th>State</Th>
        {seen && <Th>Address</Th>}
        <Th className="lg:max-xl:hidden">What it is</Th>
        <Th>Connections</Th>
        <Th>Last reached</Th>
        {onAct && <ActsTh />}
      </TableHead>
      <tbody>
        {hosts.map((host) => (
          <Tr key={host.name}>
            <th scope="row" className="px-2 py-1.5 text-left font-medium sm:px-3">
              <span className="flex items-center gap-2">
                <Link
                  to="/hosts/$name"
                  params={{ name: host.name }}
                  data-row={host.name}
                  data-current={current === host.name || undefined}
                  className="max-w-32 truncate rounded hover:text-accent sm:max-w-52"
                  title={host.name}
                >
                  {host.name}
                </Link>
                <span className="hidden gap-1 2xl:flex">
                  {Object.entries(host.labels)
                    .slice(0, 3)
                    .map(([key, value]) => (
                      <Link
                        key={key}
                        to="/hosts"
                        search={{ label: `${key}=${value}` }}
                        className="max-w-32 rounded-full font-normal hover:underline"
                      >
                        <Badge>
                          <span className="truncate">
                            {key}={value}
                          </span>
                        </Badge>
                      </Link>
                    ))}
                </span>
              </span>
              {host.description && (
                <span
                  className="block max-w-32 truncate text-xs font-normal text-muted sm:max-w-44 2xl:max-w-80"
                  title={host.description}
                >
                  {visibleText(host.description)}
                </span>
              )}
            </th>
            <Td>
              <StateBadge state={host.state} />
            </Td>
            {seen && (
              <Td
                muted
                className="max-w-40 truncate font-mono text-xs 2xl:max-w-64"
                title={addressText(host) ?? undefined}
              >
                {addressText(host)}
                {host.connection?.jump && <span className="font-sans"> through {host.connection.jump}</span>}
              </Td>
            )}
            <Td muted className="max-w-56 truncate lg:max-xl:hidden 2xl:max-w-80" title={host.facts?.os ?? undefined}>
              {host.facts ? factsLine(host.facts) : 'Not known yet'}
            </Td>
            <Td>
              <Connections host={host} />
            </Td>
            <Td muted>
              <LastReached host={host} />
            </Td>
            {onAct && (
              <ActsTd>
                {host.state === 'unconfirmed' || host.state === 'key_changed' ? (
                  <Button
                    size="small"
                    kind={host.state === 'key_changed' ? 'danger' : 'plain'}
                    aria-label={`Look at the keys of ${host.name}`}
                    onClick={() => onAct({ act: 'keys', host })}
                  >
                    <KeyRound aria-hidden className="size-3.5" /> <span className="max-sm:hidden">Keys</span>
                  </Button>
                ) : (
                  <Button
                    size="small"
                    aria-label={`Test ${host.name}`}
                    disabled={host.state !== 'ready'}
                    onClick={() => onAct({ act: 'test', host })}
                  >
                    <Play aria-hidden className="size-3.5" /> <span className="max-sm:hidden">Test</span>
                  </Button>
                )}
                {host.terminal && (
                  <Link
                    to="/hosts/$name/terminal"
                    params={{ name: host.name }}
                    aria-label={`Terminal on ${host.name}`}
                    title={`Terminal on ${host.name}`}
                    className={buttonLook('quiet', 'small-icon')}
                  >
                    <SquareTerminal aria-hidden className="size-3.5" />
                  </Link>
                )}
              </ActsTd>
            )}
          </Tr>
        ))}
      </tbody>
    </Table>
  )
}

export const addressText = ({ connection }: Host): string | null =>
  connection &&
  `${connection.user}@${connection.address.includes(':') ? `[${connection.address}]` : connection.address}${connection.port === 22 ? '' : `:${connection.port}`}`

/** When a job got there last; in red when a later one did not. */
export function LastReached({ host: { last_ok_at, last_failed_at, last_error } }: { host: Host }) {
  const failed = last_failed_at !== null && (last_ok_at === null || last_failed_at > last_ok_at)
  if (failed) {
    return (
      <span className="text-failed" title={last_error === null ? undefined : sentence(visibleText(last_error))}>
        Failed <RelativeTime at={last_failed_at} />
      </span>
    )
  }
  return last_ok_at === null ? 'Never' : <RelativeTime at={last_ok_at} />
}
