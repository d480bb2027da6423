/** Between the port's types and the generated messages. */
import type {
  AppendLogResult,
  Assignment as WireAssignment,
  AttemptRef as WireRef,
  CallHelperResponse,
  ListedArtifact as WireListed,
} from '../api/grpc/gen/runyard/runner/v1/runner_pb.js'
import { ReportResult as WireResult, TestStatus as WireStatus } from '../api/grpc/gen/runyard/runner/v1/runner_pb.js'
import type { ArtifactFile } from '../job/artifacts.ts'
import { runnerProtocol } from '../job/runner-protocol.ts'
import { scriptKinds } from '../job/event.ts'
import type { HelperAnswer } from '../job/helper-protocol.ts'
import type { HttpOrder } from '../job/http-request.ts'
import type { PlaceOrder } from '../job/place.ts'
import type { Limits, StoredSpec } from '../job/spec.ts'
import type { TestReport, TestStatus } from '../job/test-report.ts'
import { AppError } from '../lib/app-error.ts'
import type {
  AppendResult,
  Assignment,
  AttemptRef,
  ListedArtifact,
  ReportResult,
  RunnerDescription,
} from './control-plane.ts'

export const attemptRef = (wire: WireRef): AttemptRef => ({
  jobKey: wire.jobKey,
  number: wire.number,
  token: wire.token,
})

export function assignment(wire: WireAssignment): Assignment {
  if (wire.ref === undefined) throw new AppError('internal', 'the server sent an assignment without its fence')
  return {
    ...attemptRef(wire.ref),
    jobId: wire.jobId,
    spec: JSON.parse(wire.specJson) as StoredSpec,
    env: wire.env,
    secretEnv: wire.secretEnv,
    limits: JSON.parse(wire.limitsJson) as Limits,
    named: wire.namedLimits as (keyof Limits)[],
    timeoutSeconds: wire.timeoutSeconds,
    artifactCaps: { bytes: Number(wire.artifactBytes), files: wire.artifactFiles },
    ...scriptOf(wire),
    ...(wire.requestJson === '' ? {} : { http: JSON.parse(wire.requestJson) as HttpOrder }),
    ...(wire.placeJson === '' ? {} : { place: JSON.parse(wire.placeJson) as PlaceOrder }),
  }
}

function scriptOf({ scriptKind, script }: WireAssignment): Pick<Assignment, 'script'> {
  if (scriptKind === '') return {}
  const kind = scriptKinds.find((known) => known === scriptKind)
  if (kind === undefined) throw new AppError('internal', `the server sent a script of the kind ${scriptKind}`)
  return { script: { kind, text: script } }
}

export function helperAnswer({ answer }: CallHelperResponse): HelperAnswer {
  if (answer.case === 'okJson') return { ok: JSON.parse(answer.value) as unknown }
  if (answer.case === 'error') return { error: { code: answer.value.code, message: answer.value.message } }
  throw new AppError('internal', 'the server gave an answer this runner does not know')
}

export function reportResult(wire: WireResult): ReportResult {
  if (wire === WireResult.ACCEPTED) return 'accepted'
  if (wire === WireResult.STALE) return 'stale'
  if (wire === WireResult.LOG_INCOMPLETE) return 'log_incomplete'
  throw new AppError('internal', 'the server gave an answer this runner does not know')
}

export function appendResult(ref: AttemptRef, wire: AppendLogResult | undefined): AppendResult {
  if (wire === undefined) throw new AppError('internal', 'the server answered for fewer chunks than were sent')
  return { ref, accepted: Number(wire.accepted), durable: Number(wire.durable), stale: wire.stale }
}

export const wireArtifact = ({ name, bytes, sha256 }: ArtifactFile) => ({
  name,
  bytes: BigInt(bytes),
  sha256: Uint8Array.from(Buffer.from(sha256, 'hex')),
})

export function listedArtifact({ id, directory, artifact }: WireListed): ListedArtifact {
  if (artifact === undefined) throw new AppError('internal', 'the server listed an artefact without saying which')
  const { name, bytes, sha256 } = artifact
  return { id, directory, name, bytes: Number(bytes), sha256: Buffer.from(sha256).toString('hex') }
}

const wireStatus: Record<TestStatus, WireStatus> = {
  passed: WireStatus.PASSED,
  failed: WireStatus.FAILED,
  skipped: WireStatus.SKIPPED,
}

export const wireTests = ({ cases, ...totals }: TestReport) => ({
  ...totals,
  cases: cases.map(({ status, message, ...rest }) => ({
    ...rest,
    status: wireStatus[status],
    ...(message === null ? {} : { message }),
  })),
})

export function describe(runner: RunnerDescription) {
  const { facilities, ...rest } = runner
  return { ...rest, facilitiesJson: JSON.stringify(facilities), protocol: runnerProtocol }
}
