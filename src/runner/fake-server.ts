/** Serves a fake control plane over the real wire, for tests of everything that needs a socket. */
import { createServer, type Http2Server } from 'node:http2'
import type { Socket } from 'node:net'
import { Code, ConnectError } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { ReportResult, RunnerService } from '../api/grpc/gen/runyard/runner/v1/runner_pb.js'
import { isAppError } from '../lib/app-error.ts'
import type { ControlPlane, ReportResult as Result } from './control-plane.ts'
import { attemptRef } from './grpc-messages.ts'

export interface FakeServer {
  close(): Promise<void>
  /** Cuts every connection, as a restart of the server does. */
  cut(): void
}

const results = {
  accepted: ReportResult.ACCEPTED,
  stale: ReportResult.STALE,
  log_incomplete: ReportResult.LOG_INCOMPLETE,
}
const wire = (all: Result[]) => ({ results: all.map((result) => results[result]) })

export async function serveFake(plane: ControlPlane, socketPath: string): Promise<FakeServer> {
  const guard = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run()
    } catch (error) {
      const code = isAppError(error) && error.code === 'not_found' ? Code.NotFound : Code.Unavailable
      const superseded = isAppError(error) && error.code === 'failed_precondition'
      throw new ConnectError(String(error), superseded ? Code.FailedPrecondition : code)
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
                })),
              ),
            ),
          ),
        handBack: (r) => guard(async () => wire(await plane.handBack(r.refs.map(attemptRef), r.reason))),
        goodbye: (r) => guard(async () => (await plane.goodbye(r.state as 'draining' | 'offline'), {})),
      }),
  })
  const sockets = new Set<Socket>()
  const server: Http2Server = createServer(handler)
  server.on('session', (session) => session.on('error', () => {}))
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socketPath, resolve))
  const cut = () => sockets.forEach((socket) => socket.destroy())
  return {
    cut,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        cut()
      }),
  }
}
