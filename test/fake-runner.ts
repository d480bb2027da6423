/** A runner that speaks real gRPC over the server's unix socket and executes nothing: tests say what happens. */
import { randomUUID } from 'node:crypto'
import { createClient, type Client } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import net from 'node:net'
import { RunnerService, type Assignment, type AttemptRef } from '../src/api/grpc/gen/runyard/runner/v1/runner_pb.js'
import type { Outcome } from '../src/job/outcome.ts'
import { encodeRecord } from '../src/logs/records.ts'

export interface FakeRunner {
  rpc: Client<typeof RunnerService>
  who: { runnerId: string; session: string }
  held: AttemptRef[]
  claim(slots?: number, waitMs?: number): Promise<Assignment[]>
  /** Claims until there is something; fails after 5 s. */
  claimOne(): Promise<Assignment & { ref: AttemptRef }>
  started(assignment: Assignment): Promise<void>
  /** Appends output and answers the length of the record file so far. */
  write(assignment: Assignment, text: string | Buffer, stream?: 'stdout' | 'stderr'): Promise<number>
  /** As a runner does: finish with the log that was written. */
  finish(assignment: Assignment, outcome: Outcome): Promise<number>
  /** Claims one job, prints, ends. */
  run(text: string, outcome?: Outcome): Promise<Assignment>
}

export async function fakeRunner(
  socketPath: string,
  { name = 'fake', slots = 100, session = randomUUID(), executors = ['sandbox'], facilities = {} as object } = {},
): Promise<FakeRunner> {
  const transport = createGrpcTransport({
    baseUrl: 'http://runner',
    nodeOptions: { createConnection: () => net.connect(socketPath) },
  })
  const rpc = createClient(RunnerService, transport)
  const registered = await rpc.register({
    name,
    session,
    version: 'test',
    hostname: 'test',
    slots,
    cpuMillis: 64_000,
    memoryMib: 64_000,
    executors,
    facilitiesJson: JSON.stringify(facilities),
  })
  const who = { runnerId: registered.runnerId, session }
  const held: AttemptRef[] = [...registered.held]
  const lengths = new Map<string, number>()
  const keyOf = (a: Assignment): string => `${a.ref?.jobKey}-${a.ref?.number}`

  const runner: FakeRunner = {
    rpc,
    who,
    held,
    async claim(free = slots, waitMs = 0) {
      const offer = { ...who, slots: free, cpuMillis: 64_000, memoryMib: 64_000, held, waitMs }
      const { assignments } = await rpc.claim(offer, { timeoutMs: 20_000 })
      for (const { ref } of assignments) if (ref) held.push(ref)
      return assignments
    },
    async claimOne() {
      const [assignment] = await runner.claim(1, 5_000)
      if (assignment?.ref === undefined) throw new Error('nothing to claim within 5 s')
      return assignment as Assignment & { ref: AttemptRef }
    },
    async started({ ref }) {
      await rpc.reportStarted({ ...who, started: [{ ref, startedAtMs: BigInt(Date.now()), unenforced: [] }] })
    },
    async write(assignment, text, stream = 'stdout') {
      const key = keyOf(assignment)
      const offset = lengths.get(key) ?? 0
      const bytes = encodeRecord(stream, Date.now(), Buffer.from(text))
      const { results } = await rpc.appendLog({
        ...who,
        chunks: [{ ref: assignment.ref, offset: BigInt(offset), bytes: new Uint8Array(bytes) }],
      })
      const [result] = results
      if (result === undefined || result.stale) throw new Error('the log was refused as stale')
      lengths.set(key, Number(result.accepted))
      return Number(result.accepted)
    },
    async finish(assignment, outcome) {
      const logLength = BigInt(lengths.get(keyOf(assignment)) ?? 0)
      const report = { ref: assignment.ref, outcomeJson: JSON.stringify(outcome), logLength }
      const { results } = await rpc.finish({ ...who, reports: [report] })
      const at = held.findIndex((ref) => ref.token === assignment.ref?.token)
      if (at >= 0) held.splice(at, 1)
      return results[0] ?? 0
    },
    async run(text, outcome = { state: 'succeeded', exit_code: 0, remaining_processes: 0 }) {
      const assignment = await runner.claimOne()
      await runner.started(assignment)
      if (text !== '') await runner.write(assignment, text)
      await runner.finish(assignment, outcome)
      return assignment
    },
  }
  return runner
}
