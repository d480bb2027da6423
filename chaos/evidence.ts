/** Everything that the checker judges by: what was told, the rows, the witnesses' files, the stored logs, the host. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesOf, streamKey } from './bytes.ts'
import { secretsIn } from './canary.ts'
import type { Fault } from './faults.ts'
import type { Entry } from './history.ts'
import { commandOf, diskName, existingCgroups, filesUnder, mountsUnder, processesUnder } from './host.ts'
import type { Operation } from './load.ts'
import type { Ending, Managed } from './managed.ts'
import type { Grounds } from './stand.ts'

export interface JobRow {
  id: string
  tag: string
  state: string
  attempts_spent: number
  max_attempts: number
  outcome: OutcomeRow | null
  /** Of the queue, user and size that it waits with. */
  lane: string | null
  priority: number
  /** ms since 1970 when it was first queued; null when it never was. */
  queued: number | null
  /** Skipped or run when one of its dependencies fails. */
  on_failure: string | null
}

export interface OutcomeRow {
  state: string
  exit_code?: number | null
  signal?: string | null
  error_class?: string
  message?: string
  remaining_processes?: number
}

export interface AttemptRow {
  id: string
  number: number
  token: string
  state: string
  runner: string
  /** ms since 1970. */
  leased: number
  ended: number | null
  outcome: OutcomeRow | null
  log: { stdout_bytes: number; stderr_bytes: number; truncated_bytes: number } | null
}

export interface WitnessLine {
  word: string
  job: string
  attempt: number
  pid: number
  /** ms, monotonic; 0 where the writer had no such clock. */
  ms: number
  out: number
  err: number
  more: string
}

export interface StoredLog {
  id: string
  attempt: number
  stream: 'stdout' | 'stderr'
  length: number
  /** So many of its first bytes are what the witness wrote. */
  agrees: number
  sha256: string
  /** Forms in which a secret is in there. */
  secrets: string[]
  /** Where it first differs: a piece of what is stored. */
  foreign?: string
}

export interface Evidence {
  operations: Operation[]
  history: Entry[]
  faults: Fault[]
  /** How long an attempt lives on without contact. */
  keepForMs: number
  jobs: JobRow[]
  attempts: AttemptRow[]
  witnesses: Map<string, WitnessLine[]>
  logs: StoredLog[]
  /** Of processes that the rig had not touched. */
  crashes: { name: string; ending: Ending }[]
  /** Exit codes of an orderly stop. */
  stopped: Record<string, number | null>
  leftovers: string[]
  /** Of servers and runners, when they had just begun and when all jobs had ended. */
  openFiles: OpenFiles[]
  dependencies: DependencyRow[]
  /** The most that was seen at a time of what has a cap. */
  caps: CapSeen[]
  audit: AuditFacts
  /** Where a secret was found, and in which form. */
  secretsSeen: string[]
  /** What became of messages with stale tokens; empty where nobody sent any. */
  replays: Replay[]
}

export interface OpenFiles {
  name: string
  before: number
  after: number
}

export interface DependencyRow {
  id: string
  on: string
}

export interface CapSeen {
  kind: 'queue' | 'user' | 'runner'
  name: string
  cap: number
  most: number
}

export interface AuditRow {
  actor: string
  action: string
  target: string | null
  result: string
  replayed: boolean
  /** Of a message about an attempt that was not the sender's. */
  kind: string | null
  token: string | null
}

export interface AuditFacts {
  /** Of submits, cancels and stale messages. */
  rows: AuditRow[]
  /** What is wrong with the chain. */
  problems: string[]
}

export interface Replay {
  /** As the audit log calls it. */
  kind: string
  /** What about it is not right, in words. */
  how: string
  /** Said again by the one whose it was: refused, and nobody's offence. */
  repeated?: true
  server: string
  token: string
  accepted: boolean
  answer: string
}

type Rows = Pick<Evidence, 'jobs' | 'attempts' | 'dependencies'>

export async function rowsOf(stand: Grounds): Promise<Rows> {
  const jobs = await stand.sql<JobRow>(
    // The rank is the time of queueing, less 300,000 ms for each level of priority.
    `select public_id as id, name as tag, state, attempts_spent, max_attempts, outcome, lane_id::text as lane, priority,
       (rank + priority * 300000)::float8 as queued, spec->>'on_dependency_failure' as on_failure
     from jobs order by id`,
  )
  const attempts = await stand.sql<AttemptRow>(
    `select j.public_id as id, a.number, a.token::text, a.state, r.name as runner,
       extract(epoch from a.leased_at)::float8 * 1000 as leased,
       extract(epoch from a.ended_at)::float8 * 1000 as ended, a.outcome, a.log
     from attempts a join jobs j on j.id = a.job_id join runners r on r.id = a.runner_id order by a.job_id, a.number`,
  )
  const dependencies = await stand.sql<DependencyRow>(
    `select j.public_id as id, o.public_id as "on" from job_dependencies d
     join jobs j on j.id = d.job_id join jobs o on o.id = d.depends_on_id`,
  )
  return { jobs, attempts, dependencies }
}

export function witnessesIn(dir: string): Map<string, WitnessLine[]> {
  return new Map(
    readdirSync(dir).map((tag) => {
      const lines = readFileSync(join(dir, tag), 'utf8').split('\n').filter(Boolean)
      return [
        tag,
        lines.map((line) => {
          const [word = '', job = '', attempt, pid, ms, out, err, ...more] = line.split(' ')
          const [n, p, m, o, e] = [attempt, pid, ms, out, err].map(Number) as [number, number, number, number, number]
          return { word, job, attempt: n, pid: p, ms: m, out: o, err: e, more: more.join(' ').trim() }
        }),
      ]
    }),
  )
}

/** Compares as it reads: the logs of a whole run do not fit into memory. */
export async function logsOf(stand: Grounds, rows: Pick<Evidence, 'jobs' | 'attempts'>): Promise<StoredLog[]> {
  const tags = new Map(rows.jobs.map(({ id, tag }) => [id, tag]))
  const wanted = rows.attempts.flatMap(({ id, number }) =>
    (['stdout', 'stderr'] as const).map((stream) => ({ id, attempt: number, stream })),
  )
  const logs: StoredLog[] = []
  const one = async (): Promise<void> => {
    for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
      const { id, attempt, stream } = next
      const response = await stand.fetch(`/jobs/${id}/logs?stream=${stream}&attempt=${attempt}`)
      const got = Buffer.from(await response.arrayBuffer())
      if (!response.ok) throw new Error(`log of ${id}, attempt ${attempt}: ${response.status} ${got.toString()}`)
      const told = bytesOf(streamKey(tags.get(id) ?? '', attempt, stream), got.length)
      const sha256 = createHash('sha256').update(got).digest('hex')
      const agrees = commonPrefix(got, told)
      const foreign = agrees === got.length ? undefined : got.subarray(agrees, agrees + 300).toString('latin1')
      logs.push({ ...next, length: got.length, agrees, sha256, secrets: secretsIn(got), foreign })
    }
  }
  await Promise.all(Array.from({ length: 4 }, one))
  return logs
}

function commonPrefix(a: Buffer, b: Buffer): number {
  if (a.equals(b)) return a.length
  let at = 0
  while (a[at] === b[at]) at++
  return at
}

export const crashesOf = (processes: Managed[]): Evidence['crashes'] =>
  processes.flatMap(({ name, endings }) => endings.filter(({ wanted }) => !wanted).map((ending) => ({ name, ending })))

/** What is there after everything was stopped in order, `patienceMs` at most after. */
export async function leftoversOf(stand: Grounds, cgroups: Iterable<string>, patienceMs = 10_000): Promise<string[]> {
  const paths = [...cgroups]
  const look = (): string[] => [
    ...processesUnder(stand.dir).map(({ pid }) => `process ${pid}: ${commandOf(pid).slice(0, 200)}`),
    ...existingCgroups(paths).map((path) => `cgroup ${path}`),
    // The rig's own small disks go with the stand.
    ...mountsUnder(stand.dir)
      .filter((line) => !line.includes(diskName))
      .map((line) => `mount ${line}`),
    ...stand.emptyPlaces().flatMap(filesUnder),
    ...readdirSync(join(stand.dir, 'tmp')).map((name) => `file ${join(stand.dir, 'tmp', name)}`),
  ]
  const end = performance.now() + patienceMs
  for (;;) {
    const left = look()
    if (left.length === 0 || performance.now() > end) return left
    await sleep(100)
  }
}
