/**
 * What the ends of jobs say of their hosts: reached or not, facts that a test brought, a key that is another one. When a
 * host was reached last is for people: it is written a little later and together, and lost with the server.
 */
import { raiseAlarm } from '../hosts/alarm.ts'
import { factsIn, noteSeenHosts, seenOf, storeFacts, type HostSeen } from '../hosts/results.ts'
import { keyChangedIn, type PinnedKey } from '../job/host.ts'
import type { Outcome } from '../job/outcome.ts'
import { emitFact } from '../lib/facts.ts'
import { attemptKey, type AttemptRef, type ClaimedJob, type FromRunner } from '../queue/types.ts'
import type { Deps } from './deps.ts'
import { tellAlarm } from './host-alarm.ts'
import { factsMark } from './host-test.ts'
import type { FinishReport, ReportResult } from './runner-finishing.ts'

const writeAfterMs = 500
/** Attempts that another server gave out are not known here, nor those of an earlier process. */
const knowAtMost = 100_000

export function createHostResults(deps: Pick<Deps, 'db'>) {
  const { db } = deps
  const held = new Map<string, { hosts: string[]; id: string }>()
  const seen = new Map<string, HostSeen>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const write = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    const now = [...seen.values()]
    seen.clear()
    if (now.length === 0) return writing
    writing = writing
      .then(() => noteSeenHosts(db, now))
      .catch((error: unknown) => emitFact({ name: 'host.not_noted', level: 'warn', error: String(error) }))
    return writing
  }

  const note = (one: HostSeen): void => {
    // Of each host the newest that came well and the newest that did not.
    seen.set(`${one.host} ${one.reached}`, one)
    timer ??= setTimeout(() => void write(), writeAfterMs).unref()
  }

  /** An alarm that cannot be written must not undo the end that is written: the next job on the host meets the key again. */
  const safely = (work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => emitFact({ name: 'host.not_noted', level: 'error', error: String(error) }))

  return {
    began(jobs: readonly ClaimedJob[]): void {
      for (const job of jobs) {
        if (job.spec.executor !== 'ssh') continue
        // The oldest are those that were lost with their runner.
        if (held.size >= knowAtMost) held.delete(held.keys().next().value!)
        held.set(attemptKey(job), { hosts: job.spec.hosts ?? [], id: job.publicId })
      }
    },

    over(refs: readonly AttemptRef[]): void {
      if (held.size > 0) for (const ref of refs) held.delete(attemptKey(ref))
    },

    async ended(from: FromRunner, reports: readonly FinishReport[], results: readonly ReportResult[]): Promise<void> {
      for (const [i, { ref, outcome, outputs }] of reports.entries()) {
        if (results[i] === 'log_incomplete') continue
        const known = held.get(attemptKey(ref))
        held.delete(attemptKey(ref))
        if (results[i] !== 'accepted') continue
        if (known !== undefined) for (const one of seenOf(outcome, known.hosts, known.id, new Date())) note(one)
        for (const changed of keysChanged(outcome)) await safely(alarm(deps, from, ref, changed))
        if (outputs?.[factsMark] === '1') await safely(storeFacts(db, ref.jobKey, factsIn(outputs)))
      }
    },

    drain: write,
  }
}

/** A job alone does not get to say this: the words of a failure of its command are others. */
function keysChanged({ error_class: kind, message, hosts = [] }: Outcome): { host: string; key: PinnedKey }[] {
  const said = [kind === 'refused' || kind === 'lost' ? message : undefined, ...hosts.map((one) => one.message)]
  const found = said.flatMap((words) => (words === undefined ? [] : (keyChangedIn(words) ?? [])))
  return found.filter((one, i) => found.findIndex(({ host }) => host === one.host) === i)
}

async function alarm(
  { db }: Pick<Deps, 'db'>,
  { runnerId }: FromRunner,
  { jobKey }: AttemptRef,
  { host, key }: { host: string; key: PinnedKey },
): Promise<void> {
  await db.tx(async (tx) => {
    const { rows } = await tx.query<{ job: string; ownerId: string; runner: string }>(
      `select j.public_id as job, j.owner_id as "ownerId", r.name as runner from jobs j, runners r
       where j.id = $1::bigint and r.id = $2::bigint and j.spec->>'executor' = 'ssh'`,
      [jobKey, runnerId],
    )
    const [met] = rows
    if (met === undefined) return
    const { job, ownerId, runner } = met
    const changed = { host, key, runner, job }
    const at = await raiseAlarm(tx, changed)
    if (at === null) return
    await tellAlarm(tx, changed, {
      at,
      ownerId,
      actor: { kind: 'runner', username: runner, userId: null, role: null },
    })
  })
}
