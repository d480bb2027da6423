import { InvalidArgumentError, type Command } from 'commander'
import type { Job } from '../../api/contract/index.ts'
import { jobStates, type JobState } from '../../job/state.ts'
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
import { notice, paint, printable, printJson, table } from '../render.ts'
import { parseWhole, showAgo, showDuration } from '../units.ts'

interface LsOptions {
  state?: JobState[]
  queue?: string
  name?: string
  owner?: string
  limit: number
  all?: boolean
}

export function define(command: Command): void {
  command
    .option('--state <states>', 'e.g. running or queued,failed', states)
    .option('--queue <name>', 'jobs of this queue')
    .option('--name <text>', 'part of the name')
    .option('--owner <user>', 'jobs of this user')
    .option('--limit <n>', 'how many', parseWhole, 20)
    .option('--all', 'all of them')
    .action(async (options: LsOptions) => {
      const jobs = await withServer(command, ({ client }) => collect(client.calls.jobs.list, options))
      if (globalsOf(command).json) return printJson(jobs)
      if (jobs.length === 0) return notice('no jobs')
      process.stdout.write(listing(jobs))
    })
}

/** Real states, and the words of `status` and of the dashboard. */
export function states(text: string): JobState[] {
  const found = text.split(',').flatMap((word) => {
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

type List = (input: Record<string, unknown>) => Promise<{ jobs: Job[]; next_cursor: string | null }>

async function collect(list: unknown, { state, queue, name, owner, limit, all }: LsOptions): Promise<Job[]> {
  const wanted = all ? Infinity : limit
  const jobs: Job[] = []
  let cursor: string | undefined
  while (jobs.length < wanted) {
    const filter = { state, queue, name, owner, cursor, limit: Math.min(200, wanted - jobs.length) }
    const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))
    const page = await (list as List)(given)
    jobs.push(...page.jobs)
    if (page.next_cursor === null) break
    cursor = page.next_cursor
  }
  return jobs
}

const colours = { completed: 'green', failed: 'red', running: 'cyan', terminated: 'yellow', queued: 'dim' } as const

export function listing(jobs: Job[], width?: number): string {
  const columns = ['ID', 'NAME', 'STATUS', 'EXIT', 'TOOK', 'CREATED'].map((title) => ({
    title,
    shrinks: title === 'NAME',
  }))
  const rows = jobs.map((job) => {
    const word = callWordOf(job.state)
    return [
      job.id,
      printable(job.name),
      paint(colours[word], word),
      job.result?.exit_code?.toString() ?? '',
      job.duration_ms === null ? '' : showDuration(job.duration_ms),
      showAgo(job.created_at),
    ]
  })
  return width === undefined ? table(columns, rows) : table(columns, rows, width)
}
