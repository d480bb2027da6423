import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Job } from '../../api/contract/index.ts'
import { executorKinds } from '../../job/spec.ts'
import { isTerminal, jobStates, type JobState } from '../../job/state.ts'
import {
  batchWords,
  callWordOf,
  callWords,
  statesOfBatchWord,
  type BatchWord,
  type CallWord,
} from '../../job/status-word.ts'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { notice, paint, printable, printJson, table, terminalWidth } from '../render.ts'
import { parseWhole, showAgo, showDuration } from '../units.ts'

interface LsOptions {
  state?: JobState[]
  queue?: string
  batch?: string
  name?: string
  owner?: string
  label?: string[]
  executor?: string
  host?: string
  limit: number
  all?: boolean
}

export function define(command: Command): void {
  command
    .option('--state <states>', 'e.g. running or queued,failed', states)
    .option('--queue <name>', 'jobs of this queue; messages: what was sent to channels')
    .option('--batch <id>', 'jobs of this batch')
    .option('--name <text>', 'part of the name')
    .option('--owner <user>', 'jobs of this user')
    .option('--label <k=v>', 'jobs that carry this label (start --job-label)', labels)
    .addOption(new Option('--executor <kind>', 'jobs that run so').choices([...executorKinds, 'message', 'http']))
    .option('--host <name>', 'jobs that run on this host')
    .option('--limit <n>', 'how many', limit, 20)
    .option('--all', 'all of them, also those that carry messages to channels')
    .action(async (options: LsOptions) => {
      const jobs = await withServer(command, ({ client }) => collect(client.calls.jobs.list, options))
      if (globalsOf(command).json) return printJson(jobs)
      if (jobs.length === 0) return notice('no job matches')
      process.stdout.write(listing(jobs))
    })
}

/** Real states, as they are stored or as the listing shows them, and the words of `status` and of the dashboard. */
export function states(text: string): JobState[] {
  const found = text.split(',').flatMap((part) => {
    const word = part.trim().replaceAll(' ', '_')
    if ((jobStates as readonly string[]).includes(word)) return [word as JobState]
    if ((callWords as readonly string[]).includes(word))
      return jobStates.filter((s) => callWordOf(s) === (word as CallWord))
    if ((batchWords as readonly string[]).includes(word)) return statesOfBatchWord(word as BatchWord)
    throw new InvalidArgumentError(
      `${word} is no state: ${[...new Set([...jobStates, ...callWords, ...batchWords])].join(', ')}`,
    )
  })
  return [...new Set(found)]
}

function limit(text: string): number {
  const number = parseWhole(text)
  if (number === 0) throw new InvalidArgumentError('shows nothing; for all of them say --all')
  return number
}

function labels(text: string, before: string[] = []): string[] {
  if (text.indexOf('=') < 1) throw new InvalidArgumentError('write KEY=VALUE')
  return [...before, text]
}

type List = (input: Record<string, unknown>) => Promise<{ jobs: Job[]; next_cursor: string | null }>

async function collect(
  list: unknown,
  { state, queue, batch, name, owner, label, executor, host, limit, all }: LsOptions,
): Promise<Job[]> {
  const wanted = all ? Infinity : limit
  // A message to a channel is a job, too; who looks for work does not mean it.
  const messages = all || queue !== undefined || batch !== undefined || executor !== undefined ? undefined : false
  const jobs: Job[] = []
  let cursor: string | undefined
  while (jobs.length < wanted) {
    const filter = {
      state,
      queue,
      batch_id: batch,
      name,
      owner,
      label,
      executor,
      host,
      messages,
      cursor,
      limit: Math.min(200, wanted - jobs.length),
    }
    const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))
    const page = await (list as List)(given)
    jobs.push(...page.jobs)
    if (page.next_cursor === null) break
    cursor = page.next_cursor
  }
  return jobs
}

const colours: Record<JobState, Parameters<typeof paint>[0]> = {
  ...{ blocked: 'dim', scheduled: 'dim', queued: 'dim', leased: 'dim', skipped: 'dim' },
  ...{ running: 'cyan', unknown: 'yellow', cancelled: 'yellow', succeeded: 'green' },
  ...{ failed: 'red', timed_out: 'red', oom_killed: 'red', lost: 'red' },
}

export function listing(jobs: Job[], width = terminalWidth()): string {
  const columns = ['ID', 'NAME', 'STATE', 'EXIT', 'TOOK', 'CREATED'].map((title) => ({
    title,
    shrinks: title === 'NAME',
  }))
  const rows = jobs.map((job) => [
    job.id,
    printable(job.name),
    paint(colours[job.state], job.state.replaceAll('_', ' ')),
    exitOf(job),
    job.duration_ms === null ? '' : showDuration(job.duration_ms),
    showAgo(job.created_at),
  ])
  const [head, ...lines] = table(columns, rows, width).trimEnd().split('\n')
  const out = lines.flatMap((line, i) => [line, ...reasonOf(jobs[i], width)])
  return `${[head, ...out].join('\n')}\n`
}

/** A number only where the command itself ended; what we did to it has none. */
function exitOf({ state, result }: Job): string {
  if (!isTerminal(state)) return ''
  const ours = state === 'timed_out' || state === 'cancelled'
  return ours ? '-' : (result?.exit_code?.toString() ?? '-')
}

const reasonIndent = 14
const narrowest = 60

/** Why a job waits, in a line of its own, for people: programs get a line for each job. */
function reasonOf(job: Job | undefined, width: number | undefined): string[] {
  if (!job?.waiting_reason || width === undefined || width < narrowest) return []
  const text = printable(job.waiting_reason.text)
  const room = width - reasonIndent
  return [' '.repeat(reasonIndent) + paint('dim', text.length > room ? `${text.slice(0, room - 1)}…` : text)]
}
