/** A control plane in memory for tests of the runner: leases, fences, logs by offset, and a switch that takes it away. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from '../job/outcome.ts'
import type { Limits } from '../job/spec.ts'
import { jobSpecSchema, nameOf, type JobSpecInput, type StoredSpec } from '../job/spec.ts'
import type { TestReport } from '../job/test-report.ts'
import { AppError } from '../lib/app-error.ts'
import { createFakeHelpers, type FakeHelpers } from './fake-helpers.ts'
import { append } from './fake-log.ts'
import {
  attemptKey,
  type Assignment,
  type AttemptRef,
  type Cancel,
  type ClaimInput,
  type ControlPlane,
  type ReportResult,
} from './control-plane.ts'

export { outputOf } from './fake-log.ts'

export interface FakeAttempt {
  assignment: Assignment
  state: 'waiting' | 'leased' | 'running' | 'handed_back' | 'given_away' | Outcome['state']
  /** The record file, in the pieces it came in. */
  pieces: Buffer[]
  size: number
  outcome?: Outcome
  handBackReason?: string
  /** What its report files came to. */
  tests?: TestReport
  starts: number
  outputs?: Record<string, string>
  /** What it left, by name. */
  artifacts: Map<string, Buffer>
  /** Its log came with its finish. */
  inline?: true
  helpers: FakeHelpers
}

export interface FakeControlPlane extends ControlPlane {
  attempts: Map<string, FakeAttempt>
  /** Every call answers `unavailable`. */
  away: boolean
  /** The next claim leases, and its answer gets lost. */
  loseNextClaim: boolean
  heartbeats: number
  /** Every claim that came. */
  asked: ClaimInput[]
  registrations: number
  /** What runners have told of themselves since. */
  described: unknown[]
  goodbyes: string[]
  appendCalls: number
  submit(spec: JobSpecInput, options?: SubmitOptions): FakeAttempt
  cancel(attempt: FakeAttempt, options?: { force: boolean }): void
  giveAway(attempt: FakeAttempt): void
  /** As a server that lost what it had not yet written durably. */
  forgetLog(attempt: FakeAttempt, keep: number): void
  ended(attempt: FakeAttempt): Promise<FakeAttempt>
}

export interface SubmitOptions extends Pick<Assignment, 'script' | 'http'> {
  limits?: Limits
  timeoutSeconds?: number
  /** What a run of an event adds to the stored document. */
  more?: Partial<StoredSpec>
  input?: FakeHelpers['input']
}

const defaultLimits: Limits = {
  cpu: 1,
  memory_bytes: 512 * 2 ** 20,
  pids: 256,
  open_files: 1024,
  disk_bytes: 64 * 2 ** 20,
  output_bytes: 1024 * 2 ** 20,
}

export interface FakeTimes {
  heartbeatMs: number
  leaseMs: number
  graceMs: number
}

export function createFakeControlPlane(
  times: FakeTimes = { heartbeatMs: 10_000, leaseMs: 30_000, graceMs: 30_000 },
): FakeControlPlane {
  const attempts = new Map<string, FakeAttempt>()
  const cancels: Cancel[] = []
  let jobs = 0
  let changed = Promise.withResolvers<void>()
  const change = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  const held = (a: FakeAttempt) => a.state === 'leased' || a.state === 'running'
  const owned = (ref: AttemptRef): FakeAttempt | undefined => {
    const found = attempts.get(attemptKey(ref))
    return found && held(found) && found.assignment.token === ref.token ? found : undefined
  }
  const refOf = ({ assignment: { jobKey, number, token } }: FakeAttempt): AttemptRef => ({ jobKey, number, token })

  const plane: FakeControlPlane = {
    attempts,
    away: false,
    loseNextClaim: false,
    heartbeats: 0,
    asked: [],
    registrations: 0,
    described: [],
    goodbyes: [],
    appendCalls: 0,

    submit(input, options = {}) {
      const { env = {}, secret_env = {}, ...spec } = jobSpecSchema.parse(input)
      const jobKey = String(++jobs)
      const assignment: Assignment = {
        jobKey,
        number: 1,
        token: String(1000 + jobs),
        jobId: `job${jobKey.padStart(9, '0')}`,
        spec: { ...spec, name: nameOf(spec), ...options.more },
        env,
        secretEnv: secret_env,
        limits: { ...defaultLimits, ...spec.limits, ...options.limits },
        named: Object.keys(spec.limits ?? {}) as (keyof Limits)[],
        artifactCaps: { bytes: 64 * 2 ** 20, files: 20 },
        timeoutSeconds: options.timeoutSeconds ?? spec.timeout_seconds ?? 60,
        ...(options.script && { script: options.script }),
        ...(options.http && { http: options.http }),
      }
      const attempt: FakeAttempt = {
        assignment,
        state: 'waiting',
        pieces: [],
        size: 0,
        starts: 0,
        artifacts: new Map(),
        helpers: createFakeHelpers(options.input ?? null),
      }
      attempts.set(attemptKey(assignment), attempt)
      change()
      return attempt
    },
    cancel(attempt, { force } = { force: false }) {
      if (attempt.state === 'waiting') attempt.state = 'cancelled'
      else cancels.push({ ref: refOf(attempt), now: force })
      change()
    },
    giveAway(attempt) {
      attempt.state = 'given_away'
      change()
    },
    forgetLog(attempt, keep) {
      attempt.pieces = [Buffer.concat(attempt.pieces).subarray(0, keep)]
      attempt.size = attempt.pieces[0]!.length
    },
    async ended(attempt) {
      while (attempt.state === 'waiting' || held(attempt)) await changed.promise
      return attempt
    },

    async register() {
      awayCheck(plane)
      plane.registrations++
      return { runnerId: '7', ...times, held: [...attempts.values()].filter(held).map(refOf) }
    },
    async claim(input, signal) {
      plane.asked.push(input)
      const until = Date.now() + input.waitMs
      for (;;) {
        awayCheck(plane)
        const known = new Set(input.held.map(attemptKey))
        const all = [...attempts.values()]
        const again = all.filter((a) => a.state === 'leased' && !known.has(attemptKey(a.assignment)))
        const next = all.filter((a) => a.state === 'waiting')
        const isMessage = ({ assignment }: FakeAttempt) => assignment.spec.executor === 'message'
        const fresh = [
          ...next.filter((a) => !isMessage(a)).slice(0, input.slots),
          ...next.filter(isMessage).slice(0, input.messages),
        ]
        for (const attempt of fresh) attempt.state = 'leased'
        if (plane.loseNextClaim && fresh.length > 0) {
          plane.loseNextClaim = false
          throw new AppError('unavailable', 'the answer got lost')
        }
        if (again.length + fresh.length > 0) return [...again, ...fresh].map((a) => a.assignment)
        const left = until - Date.now()
        if (left <= 0) return []
        const over = new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new AppError('unavailable', 'aborted')), { once: true }),
        )
        await Promise.race([changed.promise, sleep(Math.min(left, 50)), over])
      }
    },
    async heartbeat(refs) {
      awayCheck(plane)
      plane.heartbeats++
      return {
        renewed: refs.filter((ref) => owned(ref)),
        cancel: cancels.flatMap(({ ref }) => (owned(ref) ? [ref] : [])),
        kill: cancels.flatMap(({ ref, now }) => (now && owned(ref) ? [ref] : [])),
        stale: refs.filter((ref) => !owned(ref)),
      }
    },
    async *cancels(signal) {
      const told = new Set<Cancel>()
      while (!signal.aborted) {
        awayCheck(plane)
        for (const cancel of cancels) {
          if (!told.has(cancel) && owned(cancel.ref)) yield cancel
          told.add(cancel)
        }
        await Promise.race([changed.promise, sleep(20)])
      }
    },
    async started(reports) {
      awayCheck(plane)
      return reports.map(({ ref }): ReportResult => {
        const attempt = owned(ref)
        if (!attempt) return 'stale'
        attempt.state = 'running'
        attempt.starts++
        change()
        return 'accepted'
      })
    },
    async appendLog(chunks) {
      awayCheck(plane)
      plane.appendCalls++
      const results = chunks.map((chunk) => append(owned(chunk.ref), chunk))
      change()
      return results
    },
    async finish(reports) {
      awayCheck(plane)
      return reports.map(({ ref, outcome, logLength, log, tests, outputs }): ReportResult => {
        const attempt = owned(ref)
        if (!attempt) return 'stale'
        if (log !== undefined && attempt.size > 0) return 'log_incomplete'
        if (log !== undefined) {
          attempt.inline = true
          append(attempt, { ref, offset: 0, bytes: log })
        }
        if (attempt.size < logLength) return 'log_incomplete'
        attempt.outcome = outcome
        attempt.tests = tests
        attempt.outputs = outputs
        attempt.state = outcome.state
        change()
        return 'accepted'
      })
    },
    async offerArtifacts(ref, files) {
      awayCheck(plane)
      const attempt = owned(ref)
      const wanted = files.flatMap(({ name, sha256 }, place) => {
        const there = attempt?.artifacts.get(name)
        return there && createHash('sha256').update(there).digest('hex') === sha256 ? [] : [place]
      })
      return { stale: !attempt, wanted, refused: [] }
    },
    async putArtifact(ref, file, bytes) {
      awayCheck(plane)
      const pieces: Uint8Array[] = []
      for await (const piece of bytes()) pieces.push(Uint8Array.from(piece))
      awayCheck(plane)
      const attempt = owned(ref)
      attempt?.artifacts.set(file.name, Buffer.concat(pieces))
      return attempt ? 'accepted' : 'stale'
    },
    async listArtifacts(ref) {
      awayCheck(plane)
      return owned(ref) ? [] : null
    },
    async *getArtifact() {},
    async callHelper(ref, call) {
      awayCheck(plane)
      const attempt = owned(ref)
      if (!attempt) return { error: { code: 'failed_precondition', message: 'this attempt is over' } }
      const answer = attempt.helpers.call(call)
      change()
      return answer
    },
    async getInput(ref) {
      awayCheck(plane)
      const attempt = owned(ref)
      if (!attempt) throw new AppError('failed_precondition', 'this attempt is over')
      return attempt.helpers.openInput()
    },
    async handBack(refs, reason) {
      awayCheck(plane)
      return refs.map((ref): ReportResult => {
        const attempt = owned(ref)
        if (!attempt) return 'stale'
        attempt.state = 'handed_back'
        attempt.handBackReason = reason
        change()
        return 'accepted'
      })
    },
    async describe(change) {
      plane.described.push(change)
    },
    async goodbye(state) {
      awayCheck(plane)
      plane.goodbyes.push(state)
    },
  }
  return plane
}

function awayCheck(plane: FakeControlPlane): void {
  if (plane.away) throw new AppError('unavailable', 'the server is away')
}
