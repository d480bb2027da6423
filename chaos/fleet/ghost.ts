/**
 * A runner that takes jobs, falls silent until they were given to others, and then says everything a runner can say with
 * the tokens that it still has. It also speaks of attempts that never were its own. Nothing of it may be believed.
 */
import { randomUUID } from 'node:crypto'
import { createClient, type Client } from '@connectrpc/connect'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../e2e/system.ts'
import { ReportResult, RunnerService, type AttemptRef } from '../../src/api/grpc/gen/runyard/runner/v1/runner_pb.js'
import { encodeRecord } from '../../src/logs/records.ts'
import type { Replay } from '../evidence.ts'
import type { Fault } from '../faults.ts'
import { ghostName, type Fleet } from './fleet.ts'

type Rpc = Client<typeof RunnerService>
type Ref = Pick<AttemptRef, 'jobKey' | 'number' | 'token'>
interface Who {
  runnerId: string
  session: string
}

export interface Ghost {
  /** Resolves when all of its tokens are stale and all was said; answers for how many attempts. */
  haunt(replays: Replay[]): Promise<number>
}

/** Takes up to so many of the jobs that wait; no other runner may be there, as those would get them first. */
export async function makeGhost(fleet: Fleet, faults: Fault[], slots = 3): Promise<Ghost> {
  const transports = await Promise.all(fleet.servers.map((server) => fleet.transportOf(server, ghostName)))
  const rpcs = transports.map((transport) => createClient(RunnerService, transport))
  const [rpc] = rpcs as [Rpc]
  const session = randomUUID()
  const description = { name: ghostName, session, version: '0', hostname: 'nowhere', slots, executors: ['sandbox'] }
  const size = { cpuMillis: 64_000, memoryMib: 64_000 }
  const register = (): Promise<{ runnerId: string }> => rpc.register({ ...description, ...size, facilitiesJson: '{}' })
  const { runnerId } = await until('the ghost to be registered', register, 120_000)
  const who = { runnerId, session }
  const offer = { ...who, ...size, slots, held: [], waitMs: 5000 }
  const claim = async (): Promise<Ref[] | false> => {
    const { assignments } = await rpc.claim(offer, { timeoutMs: 10_000 })
    return assignments.length > 0 && assignments.flatMap(({ ref }) => ref ?? [])
  }
  const mine = await until('a job for the ghost', claim, 120_000)
  const fault: Fault = {
    ...{
      nr: faults.length,
      victim: 'runner',
      where: ghostName,
      what: `ghost: a runner that took ${mine.length} jobs falls silent`,
    },
    ...{ at: Date.now(), backAt: Infinity },
  }
  faults.push(fault)
  return {
    async haunt(replays) {
      const open = 'select 1 from attempts where runner_id = $1 and ended_at is null'
      await until('the ghost to lose its jobs', async () => (await fleet.sql(open, [runnerId])).length === 0, 180_000)
      fault.backAt = Date.now()
      for (const ref of mine) {
        for (const [nr, each] of rpcs.entries())
          await sayAll(each, who, ref, fleet.servers[nr]!.name, 'the token of an attempt that was given away', replays)
      }
      await speakOfOthers(fleet, rpcs, who, mine, replays)
      return mine.length
    },
  }
}

/** An attempt that another runner has, by its right token; and by a token that was right for the job before. */
async function speakOfOthers(fleet: Fleet, rpcs: Rpc[], who: Who, mine: Ref[], replays: Replay[]): Promise<void> {
  const others = await fleet
    .sql<Ref>(
      `select job_id::text as "jobKey", number, token::text from attempts
       where ended_at is null and runner_id <> $1 and (job_id = any($2::bigint[]) or random() < 0.3) limit 3`,
      [who.runnerId, mine.map(({ jobKey }) => jobKey)],
    )
    .catch(() => [])
  for (const ref of others) {
    for (const [nr, rpc] of rpcs.entries()) {
      const server = fleet.servers[nr]!.name
      await sayAll(rpc, who, ref, server, 'the token of an attempt of another runner', replays)
      const old = mine.find(({ jobKey }) => jobKey === ref.jobKey)
      if (old) await sayAll(rpc, who, { ...ref, token: old.token }, server, 'the token of the attempt before', replays)
    }
  }
}

const taken = ({ results }: { results: ReportResult[] }): boolean => results[0] === ReportResult.ACCEPTED

async function sayAll(rpc: Rpc, who: Who, ref: Ref, server: string, how: string, replays: Replay[]): Promise<void> {
  const outcomeJson = JSON.stringify({ state: 'succeeded', exit_code: 0, remaining_processes: 0 })
  const bytes = new Uint8Array(encodeRecord('stdout', Date.now(), Buffer.from('from beyond\n')))
  const kinds: Record<string, () => Promise<{ accepted: boolean; answer: unknown }>> = {
    async heartbeat() {
      const answer = await rpc.heartbeat({ ...who, held: [ref] })
      return { accepted: answer.renewed.length > 0 || answer.stale.length === 0, answer }
    },
    async started() {
      const answer = await rpc.reportStarted({
        ...who,
        started: [{ ref, startedAtMs: BigInt(Date.now()), unenforced: [] }],
      })
      return { accepted: taken(answer), answer }
    },
    async append_log() {
      const answer = await rpc.appendLog({ ...who, chunks: [{ ref, offset: 0n, bytes }] })
      return { accepted: answer.results[0]?.stale !== true, answer }
    },
    async finish() {
      const answer = await rpc.finish({ ...who, reports: [{ ref, outcomeJson, logLength: 0n }] })
      return { accepted: taken(answer), answer }
    },
    async 'finish with a short log'() {
      const report = { ref, outcomeJson, logLength: BigInt(bytes.length), log: bytes }
      const answer = await rpc.finish({ ...who, reports: [report] })
      return { accepted: taken(answer), answer }
    },
    async hand_back() {
      const answer = await rpc.handBack({ ...who, refs: [ref], reason: 'no more' })
      return { accepted: taken(answer), answer }
    },
  }
  for (const [kind, say] of Object.entries(kinds)) {
    const { accepted, answer } = await answered(say)
    const text = JSON.stringify(answer, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    replays.push({ kind: kind.replace(/ .*/, ''), how, server, token: ref.token, accepted, answer: text.slice(0, 300) })
  }
}

/** A refusal is an answer; a server that is away is asked again. */
async function answered<T extends { accepted: boolean; answer: unknown }>(
  say: () => Promise<T>,
): Promise<{ accepted: boolean; answer: unknown }> {
  for (const end = performance.now() + 120_000; ;) {
    try {
      return await say()
    } catch (error) {
      const { code } = error as { code?: number }
      // Permission denied, failed precondition, unauthenticated.
      if (code === 7 || code === 9 || code === 16) return { accepted: false, answer: String(error) }
      if (performance.now() > end) throw error
      await sleep(500)
    }
  }
}
