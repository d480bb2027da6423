/** Batches as tables and in words. */
import type { Batch, BatchTemplate, Job, TestResult } from '../api/contract/index.ts'
import { bar, countsText } from './batch-bar.ts'
import { paint, printable, table, terminalWidth } from './render.ts'
import { showAgo, showDuration } from './units.ts'

export const statusColours: Record<Batch['status'], Parameters<typeof paint>[0]> = {
  ...{ waiting: 'dim', running: 'cyan', passed: 'green', failed: 'red', cancelled: 'yellow' },
}

const titled = (titles: string[], shrinks: string) => titles.map((title) => ({ title, shrinks: title === shrinks }))

export function batchTable(batches: Batch[], width = terminalWidth()): string {
  const rows = batches.map(({ counts, ...batch }) => [
    batch.id,
    printable(batch.name),
    paint(statusColours[batch.status], batch.status),
    String(counts.passed),
    counts.failed === 0 ? '0' : paint('red', String(counts.failed)),
    String(counts.running),
    String(counts.waiting),
    String(counts.total),
    batch.duration_ms === null ? '' : showDuration(batch.duration_ms),
    showAgo(batch.created_at),
  ])
  const titles = ['ID', 'NAME', 'STATUS', 'PASSED', 'FAILED', 'RUNNING', 'WAITING', 'OF', 'TOOK', 'CREATED']
  return table(titled(titles, 'NAME'), rows, width)
}

/** What its failed jobs say most often: at most three, with how many of those that were looked at say it. */
export function frequentMessages(failed: readonly Pick<Job, 'result'>[]): string[] {
  const times = new Map<string, number>()
  for (const { result } of failed) {
    const text = result?.message ?? (result?.exit_code == null ? undefined : `exit code ${result.exit_code}`)
    if (text !== undefined) times.set(text, (times.get(text) ?? 0) + 1)
  }
  const most = [...times].toSorted(([, a], [, b]) => b - a).slice(0, 3)
  return most.map(([text, n]) => (n === 1 ? printable(text) : `${printable(text)} (${n} times)`))
}

export function batchDetails(batch: Batch, why: readonly string[] = []): string {
  const { tests } = batch
  const lines: [string, string | null][] = [
    ['Batch', `${batch.id}  ${printable(batch.name)}`],
    ['About', batch.description && printable(batch.description)],
    ['Status', paint(statusColours[batch.status], batch.status) + remarks(batch)],
    ['Jobs', countsText(batch.counts, true)],
    ['', bar(batch.counts, 40)],
    ...why.map((text, i): [string, string] => [i === 0 ? 'Failures' : '', text]),
    ['Tests', tests && `${tests.total}: ${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`],
    ['Owner', printable(batch.owner)],
    ['Created', showAgo(batch.created_at)],
    ['Took', batch.duration_ms === null ? null : showDuration(batch.duration_ms)],
    ['Repeats', batch.rerun_of],
    ['Template', batch.template],
    ['Tells', batch.notify.map(({ channel, on }) => `${printable(channel)} (${on.join(', ')})`).join(', ') || null],
  ]
  const shown = lines.filter(([, value]) => value !== null && value !== '')
  return `${shown.map(([label, value]) => `${label.padEnd(10)}${value}`).join('\n')}\n`
}

function remarks({ ended_at: endedAt, cancel_requested: cancelling, forced }: Batch): string {
  if (forced) return ' (declared complete)'
  return cancelling && endedAt === null ? ' (being cancelled)' : ''
}

interface Previewed {
  name: string
  command: string[]
  matrix?: Record<string, string | number | boolean> | undefined
}

export function previewTable(jobs: Previewed[], width = terminalWidth()): string {
  const axes = [...new Set(jobs.flatMap(({ matrix }) => Object.keys(matrix ?? {})))]
  const columns = titled(['#', ...axes.map((axis) => printable(axis)), 'NAME', 'COMMAND'], 'COMMAND')
  const rows = jobs.map((job, i) => [
    String(i),
    ...axes.map((axis) => printable(String(job.matrix?.[axis] ?? ''))),
    printable(job.name),
    printable(job.command.map(quoted).join(' ')),
  ])
  return table(columns, rows, width)
}

/** As one would type it. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`

const testColours = { passed: 'green', failed: 'red', skipped: 'dim' } as const

export function testTable(tests: TestResult[], width = terminalWidth()): string {
  const rows = tests.map((test) => [
    paint(testColours[test.status], test.status),
    showDuration(test.duration_ms),
    test.job_id,
    printable(test.suite === '' ? test.name : `${test.suite} › ${test.name}`),
  ])
  const [head, ...lines] = table(titled(['STATUS', 'TOOK', 'JOB', 'TEST'], 'TEST'), rows, width)
    .trimEnd()
    .split('\n')
  const out = lines.flatMap((line, i) => {
    const [first = ''] = (tests[i]?.message ?? '').split('\n')
    const room = (width ?? 200) - 8
    return first === '' ? [line] : [line, `        ${paint('dim', printable(first).slice(0, room))}`]
  })
  return `${[head, ...out].join('\n')}\n`
}

export function templateTable(templates: BatchTemplate[], width = terminalWidth()): string {
  const rows = templates.map((each) => [
    each.name,
    printable(each.owner),
    each.shared ? 'shared' : '',
    showAgo(each.updated_at),
    printable(each.description ?? ''),
  ])
  return table(titled(['NAME', 'OWNER', '', 'CHANGED', 'ABOUT'], 'ABOUT'), rows, width)
}
