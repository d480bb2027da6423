import { InvalidArgumentError, type Command } from 'commander'
import type { Runner } from '../../api/contract/index.ts'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { notice, paint, printable, printJson, table } from '../render.ts'
import { showAgo } from '../units.ts'

interface LsOptions {
  state?: Runner['state'][]
  label?: string[]
}

/** Adds `ls` to the group `runner`. */
export function define(runner: Command): void {
  const ls = runner.command('ls').summary('list runners').description('list runners, here and on other machines')
  ls.option('--state <states>', 'online, draining or offline', states)
    .option('--label <k=v>', 'with this label; may be repeated', (label: string, before?: string[]) => [
      ...(before ?? []),
      label,
    ])
    .action(async (options: LsOptions) => {
      const { runners } = await withServer(ls, ({ client }) => client.calls.runners.list())
      const found = runners.filter((one) => isWanted(one, options))
      if (globalsOf(ls).json) return printJson(found)
      if (found.length === 0) return notice('no runner matches')
      process.stdout.write(listing(found))
    })
}

const all = ['online', 'draining', 'offline'] as const

function states(text: string): Runner['state'][] {
  return text.split(',').map((word) => {
    const found = all.find((state) => state === word.trim())
    if (found === undefined) throw new InvalidArgumentError(`${word} is no state: ${all.join(', ')}`)
    return found
  })
}

export function isWanted(runner: Runner, { state, label = [] }: LsOptions): boolean {
  if (state !== undefined && !state.includes(runner.state)) return false
  return label.every((wanted) => {
    const at = wanted.indexOf('=')
    return at < 0 ? wanted in runner.labels : runner.labels[wanted.slice(0, at)] === wanted.slice(at + 1)
  })
}

/** Of a runner that takes less while its host is busy. */
function heldBack({ facilities }: Runner): string {
  const { load } = (facilities ?? {}) as { load?: { holding_back?: unknown } | null }
  const held = load?.holding_back
  return typeof held === 'number' && held > 0 ? ` (${held} held back)` : ''
}

const colours = { online: 'green', draining: 'yellow', offline: 'dim' } as const

export function listing(runners: Runner[], now = Date.now()): string {
  const titles = ['NAME', 'STATE', 'SLOTS', 'LABELS', 'VERSION', 'HOST', 'LAST SEEN', 'CERTIFICATE']
  const columns = titles.map((title) => ({ title, shrinks: title === 'LABELS' }))
  const rows = runners.map((runner) => [
    printable(runner.name),
    paint(colours[runner.state], runner.state),
    `${runner.slots_used}/${runner.slots}${heldBack(runner)}`,
    printable(
      Object.entries(runner.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
    ),
    printable(runner.version),
    printable(runner.hostname),
    showAgo(runner.last_seen_at, now),
    certificateOf(runner, now),
  ])
  const [head, ...lines] = table(columns, rows).trimEnd().split('\n')
  const out = lines.flatMap((line, i) => [line, ...noteOf(runners[i], now)])
  return `${[head, ...out].join('\n')}\n`
}

function certificateOf({ certificate }: Runner, now: number): string {
  if (certificate === null) return 'local'
  if (certificate.revoked_at !== null) return paint('red', 'revoked')
  const ended = Date.parse(certificate.ends_at) < now
  return ended ? paint('red', 'ended') : `until ${certificate.ends_at.slice(0, 10)}`
}

/** Two machines that think they are the same runner take the name from each other for ever: somebody has to know. */
const shownForMs = 24 * 3_600_000

function noteOf(runner: Runner | undefined, now: number): string[] {
  return [...takenOver(runner, now), ...(runner ? lostInputs(runner) : [])]
}

/** A share that does not answer keeps jobs waiting that nothing else in this list speaks of. */
function lostInputs({ facilities }: Runner): string[] {
  const { inputs = {} } = facilities as {
    inputs?: Record<string, { ok: boolean; since: string; reason: string | null }>
  }
  return Object.entries(inputs).flatMap(([share, { ok, since, reason }]) => {
    if (ok) return []
    const text = `shared input ${share} does not answer since ${since.slice(0, 16).replace('T', ' ')} UTC: ${reason ?? ''}`
    return [`  ${paint('yellow', printable(text))}`]
  })
}

function takenOver(runner: Runner | undefined, now: number): string[] {
  const over = runner?.taken_over
  if (!over || now - Date.parse(over.at) > shownForMs) return []
  const text = `took the name from another process, on ${printable(over.from)} ${showAgo(over.at, now)}; are there two?`
  return [`  ${paint('yellow', text)}`]
}
