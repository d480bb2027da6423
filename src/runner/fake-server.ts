/** Serves a fake control plane over the real wire, for tests of everything that needs a socket. */
import { createSecureServer, createServer, type SecureServerOptions } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { Code, ConnectError } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import {
  ReportResult,
  RunnerService,
  type Artifact,
  type PutArtifactRequest,
} from '../api/grpc/gen/runyard/runner/v1/runner_pb.js'
import type { HelperMethod } from '../job/helper-protocol.ts'
import { isAppError, type ErrorCode } from '../lib/app-error.ts'
import type { ControlPlane, ReportResult as Result } from './control-plane.ts'
import { attemptRef } from './grpc-messages.ts'

export interface FakeServer {
  /** Of a server with TLS. */
  port: number
  close(): Promise<void>
  /** Cuts every connection, as a restart of the server does. */
  cut(): void
}

const results = {
  accepted: ReportResult.ACCEPTED,
  stale: ReportResult.STALE,
  log_incomplete: ReportResult.LOG_INCOMPLETE,
}
/** Those that a runner tells apart. */
const codes: Partial<Record<ErrorCode, Code>> = {
  not_found: Code.NotFound,
  failed_precondition: Code.FailedPrecondition,
  unauthenticated: Code.Unauthenticated,
}
const fileOf = ({ name, bytes, sha256 }: Artifact) => ({
  ...{ name, bytes: Number(bytes) },
  sha256: Buffer.from(sha256).toString('hex'),
})
const wire = (all: Result[]) => ({ results: all.map((result) => results[result]) })

/** `at`: a socket's path, or how to speak TLS on a free port of loopback. */
export async function serveFake(plane: ControlPlane, at: string | SecureServerOptions): Promise<FakeServer> {
  const guard = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run()
    } catch (error) {
      throw new ConnectError(String(error), (isAppError(error) ? codes[error.code] : undefined) ?? Code.Unavailable)
    }
  }
  const handler = connectNodeAdapter({
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    routes: (router) =>
      router.service(RunnerService, {
        register: (r) => guard(() => plane.register({ ...r, facilities: JSON.parse(r.facilitiesJson) as unknown })),
        claim: (r, context) =>
          guard(async () => {
            const given = await plane.claim({ ...r, held: r.held.map(attemptRef) }, context.signal)
            return {
              assignments: given.map((a) => ({
                ref: { jobKey: a.jobKey, number: a.number, token: a.token },
                jobId: a.jobId,
                specJson: JSON.stringify(a.spec),
                env: a.env,
                secretEnv: a.secretEnv,
                limitsJson: JSON.stringify(a.limits),
                namedLimits: a.named,
                timeoutSeconds: a.timeoutSeconds,
                artifactBytes: BigInt(a.artifactCaps.bytes),
                artifactFiles: a.artifactCaps.files,
                ...(a.script && { scriptKind: a.script.kind, script: a.script.text }),
                ...(a.http && { requestJson: JSON.stringify(a.http) }),
                ...(a.place && { placeJson: JSON.stringify(a.place) }),
              })),
            }
          }),
        heartbeat: (r) => guard(() => plane.heartbeat(r.held.map(attemptRef))),
        async *watchCancels(_r, context) {
          try {
            for await (const { ref, now } of plane.cancels(context.signal)) {
              yield { cancel: [ref], kill: now ? [ref] : [] }
            }
          } catch (error) {
            throw new ConnectError(String(error), Code.Unavailable)
          }
        },
        reportStarted: (r) =>
          guard(async () =>
            wire(
              await plane.started(
                r.started.map((s) => ({
                  ref: attemptRef(s.ref!),
                  startedAt: new Date(Number(s.startedAtMs)),
                  unenforced: s.unenforced,
                })),
              ),
            ),
          ),
        appendLog: (r) =>
          guard(async () => {
            const chunks = r.chunks.map((c) => ({ ref: attemptRef(c.ref!), offset: Number(c.offset), bytes: c.bytes }))
            const answers = await plane.appendLog(chunks)
            return {
              results: answers.map((a) => ({ ...a, accepted: BigInt(a.accepted), durable: BigInt(a.durable) })),
            }
          }),
        finish: (r) =>
          guard(async () =>
            wire(
              await plane.finish(
                r.reports.map((report) => ({
                  ref: attemptRef(report.ref!),
                  outcome: JSON.parse(report.outcomeJson) as never,
                  logLength: Number(report.logLength),
                  ...(report.log ? { log: report.log } : {}),
                  ...(Object.keys(report.outputs).length > 0 ? { outputs: report.outputs } : {}),
                  ...(report.tests ? { tests: report.tests as never } : {}),
                })),
              ),
            ),
          ),
        offerArtifacts: (r) => guard(() => plane.offerArtifacts(attemptRef(r.ref!), r.artifacts.map(fileOf))),
        putArtifact: (messages) =>
          guard(async () => {
            const all = messages[Symbol.asyncIterator]()
            const { ref, artifact } = (await all.next()).value as PutArtifactRequest
            const bytes = async function* () {
              for (let next = await all.next(); !next.done; next = await all.next()) yield next.value.bytes
            }
            const signal = new AbortController().signal
            return { stale: (await plane.putArtifact(attemptRef(ref!), fileOf(artifact!), bytes, signal)) === 'stale' }
          }),
        callHelper: (r) =>
          guard(async () => {
            const call = { method: r.method as HelperMethod, params: JSON.parse(r.paramsJson) as unknown }
            const answer = await plane.callHelper(attemptRef(r.ref!), { ...call, ...(r.key && { key: r.key }) })
            if ('error' in answer) return { answer: { case: 'error' as const, value: answer.error } }
            return { answer: { case: 'okJson' as const, value: JSON.stringify(answer.ok) } }
          }),
        async *getInput(r, context) {
          const input = await guard(() => plane.getInput(attemptRef(r.ref!), context.signal))
          if (input === null) return
          yield { type: input.type, size: BigInt(input.size) }
          for await (const bytes of input.body) yield { bytes: Uint8Array.from(bytes) }
        },
        handBack: (r) => guard(async () => wire(await plane.handBack(r.refs.map(attemptRef), r.reason))),
        describe: (r) =>
          guard(async () => {
            await plane.describe({ labels: r.labels, facilities: JSON.parse(r.facilitiesJson) })
            return {}
          }),
        goodbye: (r) => guard(async () => (await plane.goodbye(r.state as 'draining' | 'offline'), {})),
      }),
  })
  const sockets = new Set<Socket>()
  const server = typeof at === 'string' ? createServer(handler) : createSecureServer(at, handler)
  server.on('session', (session) => session.on('error', () => {}))
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    if (typeof at === 'string') server.listen(at, resolve)
    else server.listen(0, '127.0.0.1', resolve)
  })
  const cut = () => sockets.forEach((socket) => socket.destroy())
  return {
    port: typeof at === 'string' ? 0 : (server.address() as AddressInfo).port,
    cut,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        cut()
      }),
  }
}
