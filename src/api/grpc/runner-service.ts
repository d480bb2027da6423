/** RunnerService on the wire ↔ `operations/runner-port.ts`. Translates and checks; decides nothing. */
import type { ConnectRouter, ServiceImpl } from '@connectrpc/connect'
import type { ArtifactFile } from '../../job/artifacts.ts'
import { helperMethods, type HelperMethod } from '../../job/helper-protocol.ts'
import { outputLimits, outputName, type Outputs } from '../../job/outputs.ts'
import { AppError } from '../../lib/app-error.ts'
import {
  checkedOutcome,
  checkedTests,
  shortLogOf,
  type ReportResult as Reported,
  type RunnerPeer,
  type RunnerPort,
  type Speaker,
} from '../../operations/runner-port.ts'
import { peerOf } from './peer.ts'
import { mostRunnerMessageBytes, unaryCall, type CallContext, type UnaryCall } from './unary-calls.ts'
import {
  ReportResult,
  RunnerService,
  TestStatus,
  type TestReport,
  type AppendLogRequest,
  type Artifact,
  type CallHelperRequest,
  type ClaimRequest,
  type DescribeRequest,
  type FinishRequest,
  type GetArtifactRequest,
  type GetInputRequest,
  type GoodbyeRequest,
  type HandBackRequest,
  type HeartbeatRequest,
  type ListArtifactsRequest,
  type OfferArtifactsRequest,
  type PutArtifactRequest,
  type RegisterRequest,
  type ReportStartedRequest,
  type WatchCancelsRequest,
} from './gen/runyard/runner/v1/runner_pb.js'

const results: Record<Reported, ReportResult> = {
  accepted: ReportResult.ACCEPTED,
  stale: ReportResult.STALE,
  log_incomplete: ReportResult.LOG_INCOMPLETE,
}

interface WireRef {
  jobKey: string
  number: number
  token: string
}

/** Decimal strings that fit an int8; anything else would be the database's error. */
function refOf(wire: WireRef | undefined): WireRef {
  const { jobKey = '', number = 0, token = '' } = wire ?? {}
  if (!isKey(jobKey) || !isKey(token) || number < 1 || number > 2_147_483_647) {
    throw new AppError('invalid_argument', 'an attempt is named by job_key, number and token')
  }
  return { jobKey, number, token }
}

const isKey = (text: string): boolean => /^[1-9]\d{0,17}$/.test(text)

function runnerPeerOf(context: CallContext): RunnerPeer {
  const { certificateId, name, address } = peerOf(context)
  return certificateId === null ? { kind: 'local' } : { kind: 'certificate', id: certificateId, name, address }
}

function fromOf(request: { runnerId: string; session: string }, context: CallContext): Speaker {
  if (!isKey(request.runnerId) || request.session === '') {
    throw new AppError('invalid_argument', 'register first: runner_id and session are missing')
  }
  return { runnerId: request.runnerId, session: request.session, peer: runnerPeerOf(context) }
}

function json(text: string, field: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError('invalid_argument', `${field} is not JSON`)
  }
}

const statuses: Partial<Record<TestStatus, string>> = {
  [TestStatus.PASSED]: 'passed',
  [TestStatus.FAILED]: 'failed',
  [TestStatus.SKIPPED]: 'skipped',
}

const testsOf = ({ cases, total, passed, failed, skipped, durationMs }: TestReport): unknown => ({
  ...{ total, passed, failed, skipped, durationMs },
  cases: cases.map(({ status, message = null, suite, name, durationMs: ms }) => ({
    ...{ suite, name, message, status: statuses[status], durationMs: ms },
  })),
})

const offsetOf = (wire: bigint): number => {
  if (wire > BigInt(Number.MAX_SAFE_INTEGER)) throw new AppError('invalid_argument', 'an offset is too large')
  return Number(wire)
}

function fileOf(wire: Artifact | undefined): ArtifactFile {
  const { name = '', bytes = 0n, sha256 = new Uint8Array() } = wire ?? {}
  if (name === '' || sha256.length !== 32) {
    throw new AppError('invalid_argument', 'an artefact has a name, a length and a SHA-256')
  }
  return { name, bytes: offsetOf(bytes), sha256: Buffer.from(sha256).toString('hex') }
}

async function* bytesOf(messages: AsyncIterator<PutArtifactRequest>): AsyncGenerator<Uint8Array> {
  for (let next = await messages.next(); !next.done; next = await messages.next()) yield next.value.bytes
}

/** A runner's word: its sizes are held to here once more. */
function checkedOutputs(outputs: Record<string, string>): Outputs | undefined {
  const all = Object.entries(outputs)
  const bytes = all.reduce((sum, [, value]) => sum + Buffer.byteLength(value), 0)
  const wrong = all.some(([name, value]) => !outputName.test(name) || value.includes('\0'))
  if (wrong || all.length > outputLimits.values || bytes > outputLimits.totalBytes) {
    throw new AppError('invalid_argument', 'outputs are at most 100 names with values of 256 KiB together')
  }
  return all.length > 0 ? outputs : undefined
}

export const runnerServiceRoutes =
  (service: ReturnType<typeof runnerService>): ((router: ConnectRouter) => void) =>
  (router) =>
    router.service(RunnerService, service, { readMaxBytes: mostRunnerMessageBytes })

/** Those that come for every job or for every few. */
export const frequentCalls = (service: ReturnType<typeof runnerService>): UnaryCall[] => [
  unaryCall(RunnerService.method.claim, service.claim),
  unaryCall(RunnerService.method.reportStarted, service.reportStarted),
  unaryCall(RunnerService.method.appendLog, service.appendLog),
  unaryCall(RunnerService.method.finish, service.finish),
]

export function runnerService(port: RunnerPort) {
  return {
    async register(request: RegisterRequest, context: CallContext) {
      if (request.name === '' || request.session === '' || request.slots < 1) {
        throw new AppError('invalid_argument', 'a runner has a name, a session and at least one slot')
      }
      const { facilitiesJson, labels, executors, ...rest } = request
      const description = {
        name: rest.name,
        session: rest.session,
        version: rest.version,
        protocol: rest.protocol,
        hostname: rest.hostname,
        place: rest.place,
        labels,
        slots: rest.slots,
        cpuMillis: rest.cpuMillis,
        memoryMib: rest.memoryMib,
        executors,
        facilities: json(facilitiesJson === '' ? '{}' : facilitiesJson, 'facilities_json'),
      }
      return port.register(description, runnerPeerOf(context))
    },

    async describe(request: DescribeRequest, context: CallContext) {
      const facilities = json(request.facilitiesJson === '' ? '{}' : request.facilitiesJson, 'facilities_json')
      await port.describe(fromOf(request, context), { labels: request.labels, facilities })
      return {}
    },

    async claim(request: ClaimRequest, context: CallContext) {
      const { slots, messages, cpuMillis, memoryMib, waitMs } = request
      const held = request.held.map(refOf)
      const offer = { ...fromOf(request, context), slots, messages, cpuMillis, memoryMib, held }
      const assigned = await port.claim(offer, waitMs, context.signal)
      return {
        assignments: assigned.map((a) => ({
          ref: a.ref,
          jobId: a.publicId,
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
    },

    heartbeat: (request: HeartbeatRequest, context: CallContext) =>
      port.heartbeat(fromOf(request, context), request.held.map(refOf)),

    async *watchCancels(request: WatchCancelsRequest, context: CallContext) {
      for await (const cancels of port.cancels(fromOf(request, context), context.signal)) {
        const refs = (of: typeof cancels) => of.map(({ ref }) => ref)
        yield { cancel: refs(cancels), kill: refs(cancels.filter(({ now }) => now)) }
      }
    },

    async reportStarted(request: ReportStartedRequest, context: CallContext) {
      const items = request.started.map((item) => ({
        ref: refOf(item.ref),
        startedAt: instantOf(item.startedAtMs),
        unenforced: item.unenforced,
      }))
      return { results: (await port.started(fromOf(request, context), items)).map((r) => results[r]) }
    },

    async appendLog(request: AppendLogRequest, context: CallContext) {
      const chunks = request.chunks.map((chunk) => ({
        ref: refOf(chunk.ref),
        offset: offsetOf(chunk.offset),
        bytes: chunk.bytes,
      }))
      const appended = await port.appendLog(fromOf(request, context), chunks)
      return {
        results: appended.map((a) => ({ accepted: BigInt(a.accepted), durable: BigInt(a.durable), stale: a.stale })),
      }
    },

    async finish(request: FinishRequest, context: CallContext) {
      const reports = request.reports.map((report) => {
        const logLength = offsetOf(report.logLength)
        return {
          ref: refOf(report.ref),
          outcome: checkedOutcome(json(report.outcomeJson, 'outcome_json')),
          logLength,
          log: report.log && shortLogOf(report.log, logLength),
          tests: report.tests && checkedTests(testsOf(report.tests)),
          outputs: checkedOutputs(report.outputs),
        }
      })
      return { results: (await port.finish(fromOf(request, context), reports)).map((r) => results[r]) }
    },

    async offerArtifacts(request: OfferArtifactsRequest, context: CallContext) {
      const files = request.artifacts.map(fileOf)
      return port.offerArtifacts(fromOf(request, context), refOf(request.ref), files)
    },

    async putArtifact(requests: AsyncIterable<PutArtifactRequest>, context: CallContext) {
      const messages = requests[Symbol.asyncIterator]()
      const first = await messages.next()
      if (first.done) throw new AppError('invalid_argument', 'the first message says which artefact it is')
      const { ref, artifact } = first.value
      return port.putArtifact(fromOf(first.value, context), refOf(ref), fileOf(artifact), bytesOf(messages))
    },

    async listArtifacts(request: ListArtifactsRequest, context: CallContext) {
      const listed = await port.listArtifacts(fromOf(request, context), refOf(request.ref))
      if (listed === null) return { stale: true, artifacts: [] }
      return {
        artifacts: listed.map(({ id, directory, name, bytes, sha256 }) => ({
          id,
          directory,
          artifact: { name, bytes: BigInt(bytes), sha256: Buffer.from(sha256, 'hex') },
        })),
      }
    },

    async *getArtifact(request: GetArtifactRequest, context: CallContext) {
      if (!isKey(request.id)) throw new AppError('invalid_argument', 'id is none that a list has given')
      for await (const bytes of port.getArtifact(fromOf(request, context), refOf(request.ref), request.id)) {
        yield { bytes }
      }
    },

    async callHelper(request: CallHelperRequest, context: CallContext) {
      const { key } = request
      const call = { method: methodOf(request.method), params: json(request.paramsJson, 'params_json') }
      const answer = await port.callHelper(fromOf(request, context), refOf(request.ref), {
        ...call,
        ...(key === '' ? {} : { key: keyOf(key) }),
      })
      if ('error' in answer) return { answer: { case: 'error' as const, value: answer.error } }
      return { answer: { case: 'okJson' as const, value: JSON.stringify(answer.ok ?? null) } }
    },

    async *getInput(request: GetInputRequest, context: CallContext) {
      const input = await port.openInput(fromOf(request, context), refOf(request.ref))
      if (input === null) return
      yield { type: input.type, size: BigInt(input.size) }
      for await (const bytes of input.body) yield { bytes }
    },

    async handBack(request: HandBackRequest, context: CallContext) {
      const refs = request.refs.map(refOf)
      return { results: (await port.handBack(fromOf(request, context), refs, request.reason)).map((r) => results[r]) }
    },

    async goodbye(request: GoodbyeRequest, context: CallContext) {
      const { state } = request
      if (state !== 'draining' && state !== 'offline') {
        throw new AppError('invalid_argument', 'state is draining or offline')
      }
      await port.goodbye(fromOf(request, context), state)
      return {}
    },
  } satisfies ServiceImpl<typeof RunnerService>
}

function methodOf(name: string): HelperMethod {
  const found = helperMethods.find((known) => known === name)
  if (found === undefined) throw new AppError('invalid_argument', `there is no helper ${name}`)
  return found
}

function keyOf(key: string): string {
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) throw new AppError('invalid_argument', 'a key has up to 200 ASCII characters')
  return key
}

function instantOf(ms: bigint): Date {
  const date = new Date(Number(ms))
  if (Number.isNaN(date.getTime())) throw new AppError('invalid_argument', 'started_at_ms is no time')
  return date
}
