/** Hosts for people. */
import type { Host } from '../api/contract/index.ts'
import { paint, print, printable, table } from './render.ts'
import { showAgo, showBytes } from './units.ts'

const stateWords = {
  ready: '',
  disabled: 'disabled',
  unconfirmed: 'key not confirmed',
  key_changed: 'KEY HAS CHANGED',
} satisfies Record<Host['state'], string>

/** Where it stands with its runners, when there is anything to say. */
const breakerWords = ({ runners }: Host): string[] =>
  runners
    .filter(({ breaker }) => breaker !== 'closed')
    .map(({ runner, breaker }) => `${runner}: ${breaker === 'open' ? 'not tried for a while' : 'being tried'}`)

const shownState = (host: Host): string => {
  const words = stateWords[host.state]
  if (words !== '') return paint(host.state === 'key_changed' ? 'red' : 'yellow', words)
  const [trouble] = breakerWords(host)
  return trouble === undefined ? 'ready' : paint('yellow', printable(trouble))
}

const addressOf = ({ connection }: Host): string =>
  connection === null
    ? ''
    : `${connection.user}@${connection.address}${connection.port === 22 ? '' : `:${connection.port}`}`

export const hostTable = (hosts: readonly Host[]): string =>
  table(
    ['NAME', 'WHERE', 'LABELS', 'SYSTEM', 'LAST OK', 'STATE'].map((title) => ({ title, shrinks: title === 'LABELS' })),
    hosts.map((host) => [
      ...[
        host.name,
        printable(addressOf(host)),
        Object.entries(host.labels)
          .map((pair) => pair.join('='))
          .join(' '),
      ],
      printable(host.facts?.os ?? ''),
      ...[host.last_ok_at === null ? '' : showAgo(host.last_ok_at), shownState(host)],
    ]),
  )

export function printHost(host: Host): void {
  const line = (name: string, text: string | null | undefined): void => {
    if (text) print(`${`${name}:`.padEnd(13)} ${printable(text)}`)
  }
  print(`${host.name}  ${shownState(host)}`)
  line('description', host.description)
  line('where', addressOf(host))
  line(
    'labels',
    Object.entries(host.labels)
      .map((pair) => pair.join('='))
      .join(' '),
  )
  line('open to', host.open_to === 'admins' ? 'administrators only' : '')
  const { connection, facts, key_alarm: alarm } = host
  if (connection !== null) {
    line('gets in by', connection.auth)
    line('through', connection.jump)
    line('connections', `at most ${connection.connections} of one runner`)
    for (const key of connection.keys) line('key', `${key.type} ${key.fingerprint}, by ${key.confirmed_by}`)
  }
  if (alarm !== null) {
    const by = alarm.runner === null ? '' : `, met by ${alarm.runner}`
    line(
      'SHOWS',
      `${alarm.key === null ? 'another key' : `${alarm.key.type} ${alarm.key.fingerprint}`} since ${alarm.at}${by}`,
    )
  }
  if (facts !== null) printFacts(facts)
  for (const one of host.runners) {
    const trouble = one.last_error === null ? '' : `, ${one.last_error}`
    line(one.runner, `${one.connections} connections, ${one.sessions} sessions, breaker ${one.breaker}${trouble}`)
  }
  line('last ok', host.last_ok_at === null ? '' : showAgo(host.last_ok_at))
  line('last failure', host.last_failed_at === null ? '' : `${showAgo(host.last_failed_at)}: ${host.last_error ?? ''}`)
}

export function printFacts(facts: NonNullable<Host['facts']>): void {
  const line = (name: string, text: string | null): void => {
    if (text !== null && text !== '') print(`${`${name}:`.padEnd(13)} ${printable(text)}`)
  }
  line('system', [facts.os, facts.kernel, facts.arch].filter((part) => part !== null).join(', '))
  const memory = facts.memory_bytes === null ? '' : `, ${showBytes(facts.memory_bytes)} of memory`
  line('machine', facts.cores === null ? memory.slice(2) : `${facts.cores} cores${memory}`)
  line('limits by', facts.systemd === true ? 'systemd' : facts.cgroup === 'none' ? 'ulimit' : facts.cgroup)
  line('runs as', facts.user === null ? null : `${facts.user}${facts.uid === null ? '' : ` (uid ${facts.uid})`}`)
  line('tools', facts.tools.join(' '))
}
