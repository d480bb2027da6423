/** How failures, incidents and statistics look on a terminal. */
import type { AnalyticsRow, DeadLetter, Incident } from '../api/contract/index.ts'
import { paint, printable, table } from './render.ts'
import { showAgo, showBytes, showDuration } from './units.ts'

type Numbers = Omit<AnalyticsRow, 'id' | 'name' | 'last_at'>

export const deadLetterTable = (letters: DeadLetter[]): string =>
  table(
    ['JOB', 'OF', 'NAME', 'STATE', 'EXIT', 'FAILED', 'ERROR'].map((title) => ({ title, shrinks: title === 'ERROR' })),
    letters.map(({ job_id, source, state, job_state, exit_code, redriven_as, at, error }) => [
      job_id,
      source.kind,
      printable(source.name),
      state === 'open' ? job_state : `${state}${redriven_as === null ? '' : ` as ${redriven_as}`}`,
      exit_code === null ? '' : String(exit_code),
      showAgo(at),
      printable(error ?? ''),
    ]),
  )

export const incidentTable = (incidents: Incident[]): string =>
  table(
    ['ID', 'STATE', 'KIND', 'OF', 'FAILURES', 'OPENED', 'WHAT'].map((title) => ({ title, shrinks: title === 'WHAT' })),
    incidents.map((incident) => [
      incident.id,
      stateText(incident),
      incident.kind,
      printable(incident.source.name),
      String(incident.failures),
      showAgo(incident.opened_at),
      printable(incident.title),
    ]),
  )

const stateText = ({ state }: Incident): string => (state === 'open' ? paint('red', state) : state)

export function incidentDetails(
  incident: Incident & { timeline: { at: string; kind: string; text: string; job_id: string | null }[] },
): string {
  const { id, source, title, state, failures, acknowledged_by: by, closed_by, closed_at, timeline } = incident
  const rows: [string, string][] = [
    ['incident', `${id}: ${source.kind} ${printable(source.name)} ${printable(title)}`],
    ['state', `${state}${state === 'acknowledged' ? ` by ${by}` : ''}`],
    ['failures', String(failures)],
    ...(closed_at === null
      ? []
      : ([['closed', `${closed_at}, ${closed_by === null ? 'by itself' : `by ${closed_by}`}`]] as const)),
  ].map(([name, value]) => [name!, value!])
  const lines = timeline.map(
    ({ at, kind, text, job_id: job }) =>
      `${at}  ${kind.padEnd(12)} ${printable(text)}${job === null ? '' : ` (job ${job})`}\n`,
  )
  return `${rows.map(([name, value]) => `${name.padEnd(10)} ${value}\n`).join('')}\n${lines.join('')}`
}

const percent = (rate: number | null): string => (rate === null ? '' : `${(Math.floor(rate * 1000) / 10).toFixed(1)} %`)
const time = (ms: number | null): string => (ms === null ? '' : showDuration(ms))

const columns = ['NAME', 'RUNS', 'FAILED', 'SUCCESS', 'P50', 'P95', 'WAIT P95', 'CPU', 'MEMORY']
const cells = (name: string, row: Numbers): string[] => [
  printable(name),
  String(row.runs),
  String(row.failed),
  percent(row.success_rate),
  time(row.duration_p50_ms),
  time(row.duration_p95_ms),
  time(row.wait_p95_ms),
  showDuration(row.cpu_ms),
  row.memory_max_bytes === null ? '' : showBytes(row.memory_max_bytes),
]

export const statsTable = (rows: AnalyticsRow[], total: Numbers): string =>
  table(
    columns.map((title) => ({ title, shrinks: title === 'NAME' })),
    [...rows.map((row) => cells(row.name, row)), cells('all', total)],
  )
