/** The runner port over gRPC (HTTP/2): a unix socket on one machine, mTLS between two. */
import { createClient } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { RunnerService, type PutArtifactRequestSchema } from '../api/grpc/gen/runyard/runner/v1/runner_pb.js'
import { sameAttempt, type Cancel, type ControlPlane, type RunnerDescription } from './control-plane.ts'
import { appendRequest } from './append-request.ts'
import { fromConnect } from './grpc-errors.ts'
import {
  appendResult,
  assignment,
  attemptRef,
  describe,
  helperAnswer,
  listedArtifact,
  reportResult,
  wireArtifact,
  wireTests,
} from './grpc-messages.ts'
import { createUnary } from './grpc-unary.ts'
import type { ServerAddress } from './server-address.ts'
import { anyServer, createSessions } from './sessions.ts'

/** Who speaks: given to a second connection (the heartbeat worker's), learned by `register` on the first. */
export interface RunnerIdentity {
  runnerId: string
  session: string
}

export interface Connection extends ControlPlane {
  identity(): RunnerIdentity
  /** The credentials on disk are new: calls from now on use them. */
  renewed(): void
  close(): void
}

export interface ConnectOptions {
  identity?: RunnerIdentity
  /** Deadline of a short call; a claim has its wait on top. */
  deadlineMs?: number
  /** See `silence.ts`. */
  silenceMs?: number
}

export function connectToServer(address: ServerAddress, options: ConnectOptions = {}): Connection {
  const deadlineMs = options.deadlineMs ?? 10_000
  const sessions = createSessions(address, { silenceMs: options.silenceMs })
  const unary = createUnary(sessions)
  const {
    register,
    describe: describeRunner,
    claim,
    heartbeat,
    reportStarted,
    appendLog,
    finish,
    offerArtifacts,
    listArtifacts,
    callHelper,
    handBack,
    goodbye,
  } = RunnerService.method
  // Output is mostly text that the store compresses once, at the end; gzip of every message costs two thirds of the
  // throughput (43 against 136 MB/s).
  const client = createClient(
    RunnerService,
    createGrpcTransport({
      baseUrl: anyServer,
      sessionManager: sessions,
      compressMinBytes: Number.MAX_SAFE_INTEGER,
      acceptCompression: [],
      defaultTimeoutMs: deadlineMs,
    }),
  )
  let me: RunnerIdentity = options.identity ?? { runnerId: '', session: '' }
  const short = { timeoutMs: deadlineMs }
  const long = { timeoutMs: 3 * deadlineMs }

  const call = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run()
    } catch (error) {
      throw fromConnect(error)
    }
  }

  return {
    identity: () => me,
    renewed: () => sessions.retire(),
    // The next call opens a new session, so this also serves as "forget a broken link".
    close: () => sessions.abort(),

    register: (runner: RunnerDescription) =>
      call(async () => {
        const answer = await unary(register, describe(runner), short)
        me = { runnerId: answer.runnerId, session: runner.session }
        const { runnerId, heartbeatMs, leaseMs, graceMs } = answer
        return { runnerId, heartbeatMs, leaseMs, graceMs, held: answer.held.map(attemptRef) }
      }),

    describe: ({ labels, facilities }) =>
      call(
        async () =>
          void (await unary(describeRunner, { ...me, labels, facilitiesJson: JSON.stringify(facilities) }, short)),
      ),

    claim: (input, signal) =>
      call(async () => {
        const answer = await unary(claim, { ...me, ...input }, { signal, timeoutMs: input.waitMs + deadlineMs })
        return answer.assignments.map(assignment)
      }),

    heartbeat: (held) =>
      call(async () => {
        const answer = await unary(heartbeat, { ...me, held }, short)
        return {
          renewed: answer.renewed.map(attemptRef),
          cancel: answer.cancel.map(attemptRef),
          kill: answer.kill.map(attemptRef),
          stale: answer.stale.map(attemptRef),
        }
      }),

    async *cancels(signal: AbortSignal): AsyncIterable<Cancel> {
      try {
        // A watch has no deadline: it ends with the link.
        for await (const message of client.watchCancels(me, { signal, timeoutMs: 0 })) {
          const kill = message.kill.map(attemptRef)
          for (const ref of message.cancel.map(attemptRef)) {
            yield { ref, now: kill.some((other) => sameAttempt(other, ref)) }
          }
        }
      } catch (error) {
        throw fromConnect(error)
      }
    },

    started: (refs) =>
      call(async () => {
        const started = refs.map((s) => ({
          ref: s.ref,
          startedAtMs: BigInt(s.startedAt.getTime()),
          unenforced: s.unenforced,
        }))
        return (await unary(reportStarted, { ...me, started }, short)).results.map(reportResult)
      }),

    appendLog: (chunks) =>
      call(async () => {
        const { results } = await unary.encoded(appendLog, appendRequest(me, chunks), long)
        return chunks.map((chunk, i) => appendResult(chunk.ref, results[i]))
      }),

    finish: (reports) =>
      call(async () => {
        const wire = reports.map((r) => ({
          ref: r.ref,
          outcomeJson: JSON.stringify(r.outcome),
          logLength: BigInt(r.logLength),
          log: r.log,
          tests: r.tests && wireTests(r.tests),
          outputs: r.outputs,
        }))
        return (await unary(finish, { ...me, reports: wire }, long)).results.map(reportResult)
      }),

    offerArtifacts: (ref, files) =>
      call(async () => {
        const answer = await unary(offerArtifacts, { ...me, ref, artifacts: files.map(wireArtifact) }, long)
        const refused = answer.refused.map(({ place, reason }) => ({ place, reason }))
        return { stale: answer.stale, wanted: answer.wanted, refused }
      }),

    putArtifact: (ref, file, bytes, signal) =>
      call(async () => {
        const stream = messagesOf({ ...me, ref, artifact: wireArtifact(file) }, bytes())
        const timeoutMs = 3 * deadlineMs + Math.ceil(file.bytes / slowestBytesPerMs)
        const answer = await client.putArtifact(stream, { signal, timeoutMs })
        return answer.stale ? 'stale' : 'accepted'
      }),

    listArtifacts: (ref) =>
      call(async () => {
        const answer = await unary(listArtifacts, { ...me, ref }, long)
        return answer.stale ? null : answer.artifacts.map(listedArtifact)
      }),

    async *getArtifact(ref, id, signal) {
      try {
        // Its end is watched by the link itself (`silence.ts`).
        for await (const { bytes } of client.getArtifact({ ...me, ref, id }, { signal, timeoutMs: 0 })) yield bytes
      } catch (error) {
        throw fromConnect(error)
      }
    },

    callHelper: (ref, { method, params, key = '' }) =>
      call(async () => {
        const paramsJson = JSON.stringify(params)
        return helperAnswer(await unary(callHelper, { ...me, ref, method, paramsJson, key }, short))
      }),

    getInput: (ref, signal) =>
      call(async () => {
        const messages = client.getInput({ ...me, ref }, { signal, timeoutMs: 0 })[Symbol.asyncIterator]()
        const first = await messages.next()
        if (first.done === true) return null
        const { type, size } = first.value
        return { type, size: Number(size), body: bytesOf(messages) }
      }),

    handBack: (refs, reason) =>
      call(async () => (await unary(handBack, { ...me, refs, reason }, short)).results.map(reportResult)),

    goodbye: (state) => call(async () => void (await unary(goodbye, { ...me, state }, short))),
  }
}

async function* bytesOf(messages: AsyncIterator<{ bytes: Uint8Array }>): AsyncGenerator<Uint8Array> {
  try {
    for (let next = await messages.next(); next.done !== true; next = await messages.next()) yield next.value.bytes
  } catch (error) {
    throw fromConnect(error)
  } finally {
    // Who reads no further must not hold the stream.
    await messages.return?.()
  }
}

/** A link that is slower than this is tried again. */
const slowestBytesPerMs = 256

/** The first message says what it is, the others bring it. */
async function* messagesOf(
  head: MessageInitShape<typeof PutArtifactRequestSchema>,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<MessageInitShape<typeof PutArtifactRequestSchema>> {
  yield head
  for await (const piece of bytes)
    yield { bytes: new Uint8Array(piece.buffer as ArrayBuffer, piece.byteOffset, piece.length) }
}
