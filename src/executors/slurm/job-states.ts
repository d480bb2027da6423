/** What Slurm says of jobs: one question for all of them, every now and then; of those it has forgotten, its books. */
import { open } from 'node:fs/promises'
import type { ClusterFacts } from './cluster-facts.ts'
import { mustRun, runCommand, type SlurmUser } from './commands.ts'

export interface JobState {
  /** As Slurm writes it: PENDING, RUNNING, COMPLETED, … */
  state: string
  reason: string
  /** `code:signal` */
  exit?: string
}

const running = new Set(['PENDING', 'CONFIGURING', 'RUNNING', 'SUSPENDED', 'COMPLETING', 'STOPPED', 'SIGNALING'])
const alsoRunning = [
  'RESIZING',
  'REQUEUED',
  'REQUEUE_HOLD',
  'REQUEUE_FED',
  'RESV_DEL_HOLD',
  'SPECIAL_EXIT',
  'STAGE_OUT',
]
for (const state of alsoRunning) running.add(state)
export const isOver = ({ state }: JobState): boolean => !running.has(state)

/** It would wait for ever: it asks for what its partition, account or cluster will never give. */
const hopeless =
  /^(?:PartitionNodeLimit|PartitionTimeLimit|BadConstraints|InvalidAccount|InvalidQOS|AccountNotAllowed|QOSNotAllowed|JobHeldAdmin)$/
export const isHopeless = ({ state, reason }: JobState): boolean => state === 'PENDING' && hopeless.test(reason)

export interface JobStates {
  /** Null: Slurm knows it no more. Rejects when it cannot be asked. Asked together with all that is asked meanwhile. */
  get(id: string): Promise<JobState | null>
}

/** Ms between two questions; more of them when they are about many jobs. */
const apartMs = { least: 250, perJob: 4 }
/** squeue's own limit of a line is far off; a cluster's patience is not. */
const idsAtOnce = 500

export function createJobStates(user: SlurmUser): JobStates {
  const waiting: { id: string; tell: PromiseWithResolvers<JobState | null> }[] = []
  let timer: NodeJS.Timeout | undefined
  let last = -Infinity
  let apart = 0
  const ask = async (): Promise<void> => {
    timer = undefined
    last = performance.now()
    const asked = waiting.splice(0, idsAtOnce)
    apart = apartMs.least + apartMs.perJob * asked.length
    if (waiting.length > 0) arm()
    try {
      const found = await statesOf(user, [...new Set(asked.map(({ id }) => id))])
      for (const { id, tell } of asked) tell.resolve(found.get(id) ?? null)
    } catch (error) {
      for (const { tell } of asked) tell.reject(error)
    }
  }
  const arm = (): void => {
    timer ??= setTimeout(() => void ask(), Math.max(0, last + apart - performance.now()))
  }
  return {
    get(id) {
      const tell = Promise.withResolvers<JobState | null>()
      waiting.push({ id, tell })
      arm()
      return tell.promise
    },
  }
}

/** While something else goes on: a controller that is away keeps its askers waiting for longer than a job's end may. */
export function askBeside(states: JobStates, id: string) {
  let asked = performance.now()
  let asking = false
  const found: { state: JobState | null | undefined; unanswered: boolean; ask(everyMs: number): void } = {
    state: undefined,
    unanswered: false,
    ask(everyMs) {
      if (asking || performance.now() - asked < everyMs) return
      asking = true
      states
        .get(id)
        .then(
          (state) => Object.assign(found, { state, unanswered: false }),
          () => (found.unanswered = true),
        )
        .finally(() => {
          asked = performance.now()
          asking = false
        })
        .catch(() => {})
    },
  }
  return found
}

async function statesOf(user: SlurmUser, ids: string[]): Promise<Map<string, JobState>> {
  // Of a single id that it does not know squeue makes an error, of one of several it says nothing.
  const args = ['--noheader', '--states=all', '--format=%i|%T|%r', `--jobs=${ids.join(',')}`]
  const { code, stdout, stderr } = await runCommand(user, 'squeue', args)
  if (code !== 0 && !/invalid job id/i.test(stderr)) await mustRun(user, 'squeue', args)
  return new Map(
    stdout.split('\n').flatMap((line) => {
      const [id, state, reason = ''] = line.trim().split('|')
      return id && state ? [[id, { state, reason }] as const] : []
    }),
  )
}

/** Of one that slurmctld has forgotten (MinJobAge). */
export async function fromBooks(user: SlurmUser, facts: ClusterFacts, id: string): Promise<JobState | null> {
  if (facts.accounting) {
    const args = ['--noheader', '--parsable2', '--allocations', '--format=State,ExitCode', `--jobs=${id}`]
    const { code, stdout } = await runCommand(user, 'sacct', args)
    const [said = '', exit] = stdout.trim().split('\n').at(-1)?.split('|') ?? []
    // "CANCELLED by 0"
    const state = said.split(' ')[0]!
    if (code === 0 && state !== '') return { state, reason: '', ...(exit && { exit }) }
  }
  return facts.jobcomp === null ? null : fromJobcomp(facts.jobcomp, id)
}

const tailBytes = 4 * 1024 * 1024

/** The file is on the controller's machine, and may not be ours to read. */
async function fromJobcomp(path: string, id: string): Promise<JobState | null> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      const from = Math.max(0, size - tailBytes)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, tailBytes)), 0, undefined, from)
      return jobcompOf(buffer.toString('utf8', 0, bytesRead), id)
    } finally {
      await file.close()
    }
  } catch {
    return null
  }
}

export function jobcompOf(text: string, id: string): JobState | null {
  const line = text.split('\n').findLast((one) => one.startsWith(`JobId=${id} `))
  const state = / JobState=(\S+)/.exec(line ?? '')?.[1]
  if (line === undefined || state === undefined) return null
  const exit = / ExitCode=(\d+:\d+)/.exec(line)?.[1]
  return { state, reason: '', ...(exit && { exit }) }
}

/** While slurmctld knows it. */
export async function exitByScontrol(user: SlurmUser, id: string): Promise<string | undefined> {
  const answer = await runCommand(user, 'scontrol', ['--oneliner', 'show', 'job', id]).catch(() => null)
  return / ExitCode=(\d+:\d+)/.exec(answer?.stdout ?? '')?.[1]
}
