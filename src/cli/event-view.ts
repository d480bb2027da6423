/** Events and their runs in the terminal. */
import type { EventDetail, EventRun, EventRunDetail, EventSummary, EventVersion } from '../api/contract/index.ts'
import { dateTime, paint, printable, table } from './render.ts'
import { showAgo, showBytes, showDuration } from './units.ts'

const colours = {
  queued: 'gray',
  claimed: 'gray',
  processing: 'cyan',
  completed: 'green',
  failed: 'red',
  cancelled: 'yellow',
} as const
const statusColours = { draft: 'gray', active: 'green', paused: 'yellow', archived: 'gray' } as const

const word = (status: EventRun['status']): string => paint(colours[status], status)
const glanceColour = (state: string) =>
  state === 'succeeded' ? 'green' : state === 'cancelled' || state === 'skipped' ? 'yellow' : 'red'

export function eventTable(events: readonly EventSummary[], now = Date.now()): string {
  const rows = events.map((event) => [
    event.id,
    printable(event.name),
    event.kind,
    paint(statusColours[event.status], event.status),
    event.triggers.map(({ text }) => printable(text)).join('; ') || '-',
    event.next_at === null ? '-' : dateTime(event.next_at),
    event.last_run === null ? '-' : `${lastWord(event.last_run.state)} ${showAgo(event.last_run.created_at, now)}`,
  ])
  const columns = [{ title: 'ID' }, { title: 'NAME' }, { title: 'KIND' }, { title: 'STATUS' }]
  return table([...columns, { title: 'STARTS', shrinks: true }, { title: 'NEXT' }, { title: 'LAST RUN' }], rows)
}

const lastWord = (state: string): string => paint(glanceColour(state), state.replaceAll('_', ' '))

export function eventDetails(event: EventDetail): string {
  const lines: [string, string][] = [
    ['Event', `${printable(event.name)} (${event.id})`],
    ['Kind', event.kind],
    ['Status', `${event.status}${event.problem === null ? '' : `: ${printable(event.problem)}`}`],
    ['Owner', `${printable(event.owner)}${event.shared ? ', shared with all' : ''}`],
    ['Version', String(event.version)],
  ]
  if (event.description !== null) lines.push(['About', printable(event.description)])
  if (event.tags.length > 0) lines.push(['Tags', event.tags.join(', ')])
  for (const { text } of event.triggers) lines.push(['Starts', printable(text)])
  if (event.next_at !== null) lines.push(['Next', dateTime(event.next_at)])
  if (event.actions > 0) lines.push(['Actions', String(event.actions)])
  if (event.max_executions !== null) lines.push(['Executions', `${event.executions} of ${event.max_executions}`])
  if (event.last_run !== null) lines.push(['Last run', `${event.last_run.id}: ${lastWord(event.last_run.state)}`])
  return below(lines)
}

const below = (lines: readonly [string, string][]): string =>
  lines.map(([title, text]) => `${paint('bold', title.padEnd(11))} ${text}\n`).join('')

export function eventRunTable(runs: readonly EventRun[], now = Date.now()): string {
  const rows = runs.map((run) => [
    run.id,
    printable(run.event.name),
    word(run.status),
    printable(run.cause.text),
    showAgo(run.created_at, now),
    run.started_at === null
      ? '-'
      : showDuration((run.ended_at ? Date.parse(run.ended_at) : now) - Date.parse(run.started_at)),
    printable(run.error ?? (run.ended_at === null ? run.status_text : null) ?? run.waiting ?? ''),
  ])
  const columns = [{ title: 'ID' }, { title: 'EVENT' }, { title: 'STATUS' }, { title: 'BEGUN BY' }, { title: 'AGE' }]
  return table([...columns, { title: 'TOOK' }, { title: 'NOTE', shrinks: true }], rows)
}

export function eventRunDetails(run: EventRunDetail): string {
  const lines: [string, string][] = [
    ['Run', `${run.id} of ${printable(run.event.name)}${run.version === null ? '' : `, version ${run.version}`}`],
    ['Status', `${word(run.status)}${run.exit_code === null ? '' : `, exit code ${run.exit_code}`}`],
    ['Begun by', printable(run.cause.text)],
  ]
  if (run.waiting !== null) lines.push(['Waits', printable(run.waiting)])
  if (run.error !== null) lines.push(['Error', printable(run.error)])
  if (run.progress !== null || run.status_text !== null) {
    const percent = run.progress === null ? '' : `${run.progress} % `
    lines.push(['Progress', `${percent}${printable(run.status_text ?? '')}`])
  }
  if (run.job_id !== null) lines.push(['Job', run.job_id])
  if (run.pipeline_run_id !== null) lines.push(['Pipeline', run.pipeline_run_id])
  if (run.condition !== null) lines.push(['Condition', String(run.condition)])
  for (const which of ['input', 'output'] as const) {
    const payload = run[which]
    if (payload === null) continue
    const value = payload.json === undefined ? payload.text : JSON.stringify(payload.json)
    const shown = value === undefined ? '' : `: ${printable(value.length > 500 ? `${value.slice(0, 499)}…` : value)}`
    lines.push([which === 'input' ? 'Input' : 'Output', `${payload.type}, ${showBytes(payload.bytes)}${shown}`])
  }
  for (const { action, kind, state, reason } of run.actions) {
    lines.push(['Action', `${printable(action)} (${kind}): ${state}${reason === null ? '' : `, ${printable(reason)}`}`])
  }
  for (const { id, state } of run.started) lines.push(['Led to', `run ${id}: ${lastWord(state)}`])
  return below(lines)
}

export function eventVersionTable(versions: readonly EventVersion[]): string {
  const rows = versions.map(({ number, in_force, created_at, created_by, note }) => [
    `${number}${in_force ? ' *' : ''}`,
    dateTime(created_at),
    printable(created_by),
    printable(note ?? ''),
  ])
  return table([{ title: 'VERSION' }, { title: 'SINCE' }, { title: 'BY' }, { title: 'NOTE', shrinks: true }], rows)
}
