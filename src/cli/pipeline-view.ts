/** Pipelines, their runs and tasks as tables and in words. */
import type { Pipeline, PipelineDetail, PipelineRun, PipelineTask } from '../api/contract/index.ts'
import { paint, printable, table, terminalWidth } from './render.ts'
import { showAgo, showDuration } from './units.ts'

type Colour = Parameters<typeof paint>[0]

export const statusColours: Record<PipelineRun['status'], Colour> = {
  ...{ waiting: 'dim', running: 'cyan', succeeded: 'green', failed: 'red', cancelled: 'yellow' },
}
/** Each has a sign of its own, because colours are not for everybody. */
export const taskLooks: Record<PipelineTask['state'], { sign: string; colour: Colour }> = {
  waiting: { sign: '·', colour: 'dim' },
  running: { sign: '▸', colour: 'cyan' },
  approval: { sign: '?', colour: 'magenta' },
  done: { sign: '✓', colour: 'green' },
  failed: { sign: '✗', colour: 'red' },
  cancelled: { sign: '■', colour: 'yellow' },
  skipped: { sign: '–', colour: 'dim' },
}

const titled = (titles: string[], shrinks: string) => titles.map((title) => ({ title, shrinks: title === shrinks }))

export function pipelineTable(pipelines: Pipeline[], width = terminalWidth()): string {
  const rows = pipelines.map((each) => [
    printable(each.name) + (each.gone ? paint('dim', ' (gone)') : '') + markOf(each.problems),
    String(each.tasks),
    String(each.running),
    String(each.waiting),
    each.last_run === null
      ? ''
      : `${paint(statusColours[each.last_run.status], each.last_run.status)} ${showAgo(each.last_run.created_at)}`,
    each.next_run_at === null ? '' : each.next_run_at.slice(0, 16).replace('T', ' '),
    printable(each.description ?? each.path ?? ''),
  ])
  return table(titled(['NAME', 'TASKS', 'RUNNING', 'WAITING', 'LAST RUN', 'NEXT RUN', 'ABOUT'], 'ABOUT'), rows, width)
}

/** What is in force is not what its file says now. */
const markOf = (problems: Problem[]): string =>
  problems.some(({ severity }) => severity === 'error') ? paint('red', ' (file is wrong)') : ''

type Problem = Pipeline['problems'][number]

/** As `pipeline check` has it. */
export const problemText = ({ file, line, column, path, message }: Problem): string =>
  printable(`${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`)

/** Of what is in force with an older content, and of what never was; a file's problem is all its pipelines'. */
export const problemsBelow = (found: { pipelines: Pipeline[]; problems: Problem[] }): string[] => [
  ...new Set([...found.pipelines.flatMap(({ problems }) => problems), ...found.problems].map(problemText)),
]

export function pipelineDetails(pipeline: PipelineDetail, width = terminalWidth()): string {
  const { concurrency, queue_limit: limit, parameters } = pipeline
  const waits = limit === null ? 'any number may wait' : `${limit} may wait`
  const lines: [string, string | null][] = [
    ['Pipeline', `${printable(pipeline.name)}, version ${pipeline.version}`],
    ['About', pipeline.description && printable(pipeline.description)],
    ['From', pipeline.path === null ? `stored by ${printable(pipeline.owner ?? '')}` : printable(pipeline.path)],
    ['Runs', `${pipeline.running} of ${concurrency} at once, ${pipeline.waiting} waiting (${waits})`],
    ['Start', pipeline.not_startable && `refused now: ${pipeline.not_startable}`],
    ['Next run', pipeline.next_run_at],
    ['Variables', Object.entries(parameters).map(parameterWords).join(', ') || null],
  ]
  const rows = pipeline.graph.map((task) => [
    printable(task.name),
    task.fans_out ? `${task.kind} (for each)` : task.kind,
    task.depends_on.map((name) => printable(name)).join(', '),
    printable(task.description ?? ''),
  ])
  return [
    ...lines.filter(([, value]) => value !== null).map(([label, value]) => `${label.padEnd(10)}${value}\n`),
    ...pipeline.problems.map((each) => `${paint('yellow', 'Problem')}   ${problemText(each)}\n`),
    '\n',
    table(titled(['TASK', 'KIND', 'AFTER', 'ABOUT'], 'AFTER'), rows, width),
  ].join('')
}

const parameterWords = ([name, { type, required, choices, ...rest }]: [
  string,
  Pipeline['parameters'][string],
]): string => {
  const kind = type === 'choice' ? choices.join('|') : type
  const value = rest.default === undefined ? '' : ` = ${JSON.stringify(rest.default)}`
  return printable(`${name}: ${kind}${value}${required ? ' (required)' : ''}`)
}

export function runTable(runs: PipelineRun[], width = terminalWidth()): string {
  const rows = runs.map((run) => [
    run.id,
    printable(run.pipeline),
    paint(statusColours[run.status], run.status),
    `${run.tasks.done + run.tasks.failed + run.tasks.cancelled + run.tasks.skipped}/${run.tasks.total}`,
    run.tasks.failed === 0 ? '0' : paint('red', String(run.tasks.failed)),
    run.duration_ms === null ? '' : showDuration(run.duration_ms),
    showAgo(run.created_at),
    printable(run.label ?? run.owner),
    run.trigger,
  ])
  const titles = ['ID', 'PIPELINE', 'STATUS', 'TASKS', 'FAILED', 'TOOK', 'CREATED', 'BY', 'TRIGGER']
  return table(titled(titles, 'PIPELINE'), rows, width)
}

export function runDetails(run: PipelineRun): string {
  const lines: [string, string | null][] = [
    ['Run', `${run.id}  ${printable(run.pipeline)}, version ${run.version}`],
    ['UUID', run.uuid],
    ['Status', paint(statusColours[run.status], run.status) + (isStopping(run) ? ' (being cancelled)' : '')],
    ['Waits', run.waiting_reason],
    ['Because', run.last_error && printable(run.last_error)],
    ['Tasks', countsText(run.tasks)],
    ['Owner', printable(run.label === null ? run.owner : `${run.owner} (${run.label})`)],
    ['Trigger', run.trigger],
    ['Created', showAgo(run.created_at)],
    ['Took', run.duration_ms === null ? null : showDuration(run.duration_ms)],
    ['Repeats', run.rerun_of],
    ['Part of', run.parent && `${run.parent.run}, task ${printable(run.parent.task)}`],
    ['Variables', variablesText(run.variables)],
  ]
  const shown = lines.filter(([, value]) => value !== null && value !== '')
  return `${shown.map(([label, value]) => `${label.padEnd(10)}${value}`).join('\n')}\n`
}

/** A variable may be a whole file; `--json` has all of it. */
const mostOfVariable = 200

function variablesText(variables: PipelineRun['variables']): string {
  const cut = (text: string): string => (text.length > mostOfVariable ? `${text.slice(0, mostOfVariable)}…` : text)
  const shown = Object.entries(variables).map(([name, value]) => `${name}: ${cut(JSON.stringify(value))}`)
  return printable(shown.join(', '))
}

const isStopping = ({ status, cancel_requested: asked }: PipelineRun): boolean => asked && status === 'running'

/** `8/10: 7 done, 1 failed, 2 running`; zeros are left out. */
export function countsText(counts: PipelineRun['tasks'], coloured = true): string {
  const words = Object.entries(taskLooks).flatMap(([state, { colour }]) => {
    const n = counts[state as PipelineTask['state']]
    return n === 0 ? [] : [coloured ? paint(colour, `${n} ${state}`) : `${n} ${state}`]
  })
  const over = counts.done + counts.failed + counts.cancelled + counts.skipped
  return `${over}/${counts.total}: ${words.join(', ')}`
}

export function taskTable(tasks: PipelineTask[], width = terminalWidth()): string {
  const rows = tasks.map((task) => [
    nameOfTask(task),
    paint(taskLooks[task.state].colour, task.state),
    task.duration_ms === null ? '' : showDuration(task.duration_ms),
    task.exit_code === null ? '' : String(task.exit_code),
    task.attempts > 1 ? String(task.attempts) : '',
    task.job_id ?? (task.child_run === null ? '' : `run ${task.child_run}`),
    printable(whyOf(task)),
  ])
  return table(titled(['TASK', 'STATE', 'TOOK', 'EXIT', 'TRIES', 'JOB', 'WHY'], 'WHY'), rows, width)
}

export const nameOfTask = ({ name, item }: Pick<PipelineTask, 'name' | 'item'>): string =>
  item === null ? printable(name) : `  ${printable(name)}[${item}]`

export const whyOf = ({ state, approval, error, waiting_reason: waits }: PipelineTask): string =>
  (state === 'approval' ? approval?.message : error) ?? waits ?? ''
