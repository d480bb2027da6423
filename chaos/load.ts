/** The mixed load of a run: what is submitted, when, how, and how each job must end when nobody hurts it. */
import { secretOf } from './canary.ts'
import type { Random } from './random.ts'

/** What the witness is told to do (`witness.mjs`). */
export interface Plan {
  tag: string
  stdout?: number
  stderr?: number
  /** Longest piece of one write. */
  piece?: number
  ms?: number
  /** Bytes now and then while it lives. */
  drip?: number
  burst?: number
  children?: number
  deaf?: boolean
  hog?: boolean
  signal?: NodeJS.Signals
  code?: number
  /** Prints the secret TOKEN of its environment in every form. */
  leak?: boolean
}

/** The end that an undisturbed attempt must have. */
export type Expected =
  | { by: 'exit'; code: number }
  | { by: 'signal'; signal: string }
  | { by: 'oom' }
  | { by: 'timeout' }
  /** Only a cancel ends it. */
  | { by: 'cancel' }

export interface Operation {
  tag: string
  kind: string
  spec: Record<string, unknown>
  expected: Expected
  /** From the start of the run. */
  atMs: number
  /** With a key, tried until answered; without one asked once, and whatever becomes of it is found out afterwards. */
  keyed: boolean
  /** Operations with the same number go out in one call. */
  batch?: number
  /** After its submit was acknowledged. */
  cancelAfterMs?: number
  /** It prints its secret in every form; the rest of its output is not foretold. */
  leaks?: true
  /** Tags of the jobs that it depends on: it is submitted when their submits were answered. */
  after?: string[]
  /** Asked by somebody who may not: it must be refused, and be noted. */
  forbidden?: true
  /** A runner waits for it: it must begin so soon after it was queued. */
  promptMs?: number
  /** Sent twice at the same time with the same key. */
  twice?: true
}

export interface LoadOptions {
  jobs: number
  /** Submits are spread over this time. */
  overMs: number
  /** Whether the host holds a memory limit. */
  oom: boolean
  /** Command that runs the witness, without the plan. */
  witness: string[]
  binds: { path: string; mode: 'ro' | 'rw' }[]
  /** A queue with a cap, for a tenth of the jobs. */
  narrowQueue?: string
  /** Whether there is somebody who may not submit and tries all the same. */
  viewer?: boolean
}

interface Shape {
  plan: Omit<Plan, 'tag'>
  expected: Expected
  spec?: Record<string, unknown>
  cancelAfterMs?: number
  leaks?: true
}

const exit = (code: number): Expected => ({ by: 'exit', code })
const someCode = (random: Random): number => (random.chance(0.5) ? 0 : random.int(1, 120))

/** Kinds with their weight, after the mix of the reliability targets. */
const kinds: { name: string; weight: number; make(random: Random): Shape }[] = [
  {
    name: 'short',
    weight: 30,
    make: (random) => {
      const code = someCode(random)
      return { plan: { stdout: random.int(0, 3000), stderr: random.int(0, 300), code }, expected: exit(code) }
    },
  },
  {
    name: 'sleeper',
    weight: 22,
    make: (random) => {
      const code = someCode(random)
      const plan = { ms: random.int(300, 5000), drip: random.int(1, 500), burst: random.int(0, 5000), code }
      return { plan, expected: exit(code) }
    },
  },
  {
    name: 'talker',
    weight: 18,
    make: (random) => {
      const code = someCode(random)
      const plan = {
        stdout: random.int(0, 3_000_000),
        stderr: random.int(0, 1_000_000),
        piece: random.pick([100, 5000, 60_000, 200_000]),
        ms: random.pick([0, 0, 500]),
        burst: random.int(0, 60_000),
        code,
      }
      if (plan.piece === 100) Object.assign(plan, { stdout: plan.stdout % 200_000, stderr: plan.stderr % 50_000 })
      return { plan, expected: exit(code) }
    },
  },
  {
    name: 'forker',
    weight: 8,
    make: (random) => {
      const code = someCode(random)
      const plan = { children: random.int(1, 4), ms: random.int(200, 2000), stdout: random.int(0, 2000), code }
      return { plan, expected: exit(code) }
    },
  },
  {
    name: 'stubborn',
    weight: 7,
    make: (random) => ({
      plan: { deaf: true, ms: 3_600_000, drip: random.int(1, 100), children: random.int(0, 2) },
      expected: { by: 'cancel' },
      spec: { stop_grace_seconds: random.pick([0.2, 0.5, 1]) },
      cancelAfterMs: random.int(200, 4000),
    }),
  },
  {
    name: 'late',
    weight: 4,
    make: (random) => ({
      plan: { ms: 3_600_000, drip: random.int(1, 100), deaf: random.chance(0.5) },
      expected: { by: 'timeout' },
      spec: { timeout_seconds: random.pick([1, 2]), stop_grace_seconds: 0.5 },
    }),
  },
  {
    name: 'hog',
    weight: 4,
    make: (random) => ({
      plan: { hog: true, stdout: random.int(0, 5000) },
      expected: { by: 'oom' },
      spec: { limits: { memory_bytes: 160 << 20 } },
    }),
  },
  {
    name: 'leaky',
    weight: 3,
    make: (random) => ({ plan: { leak: true, ms: random.int(0, 300) }, expected: exit(0), leaks: true }),
  },
  {
    name: 'signal',
    weight: 7,
    make: (random) => {
      const signal = random.pick(['SIGKILL', 'SIGSEGV', 'SIGTERM', 'SIGABRT'] as const)
      return {
        plan: { signal, stdout: random.int(0, 5000), ms: random.int(0, 300) },
        expected: { by: 'signal', signal },
      }
    },
  },
]

export function loadOf(random: Random, options: LoadOptions): Operation[] {
  const usable = kinds.filter((kind) => kind.name !== 'hog' || options.oom)
  const total = usable.reduce((sum, kind) => sum + kind.weight, 0)
  const operations: Operation[] = []
  let batch = 0
  while (operations.length < options.jobs) {
    const left = options.jobs - operations.length
    const size = random.chance(0.1) ? Math.min(left, random.int(2, 12)) : 1
    const atMs = Math.round((operations.length / options.jobs) * options.overMs)
    batch++
    for (let i = 0; i < size; i++) {
      let at = random.next() * total
      const kind = usable.find((each) => (at -= each.weight) < 0) ?? usable[0]!
      const shape = kind.make(random)
      operations.push(operationOf(kind.name, shape, random, options, { atMs, size, batch, nr: operations.length }))
    }
    if (size === 1) setOff(operations, random.fork(`set off ${operations.length}`), options)
  }
  return operations
}

/** A call of one job may wait for others, go to the narrow queue, come twice, or come from somebody who may not. */
function setOff(operations: Operation[], random: Random, options: LoadOptions): void {
  const last = operations.at(-1)!
  const others = operations.slice(-40, -1).filter(({ forbidden }) => !forbidden)
  if (last.expected.by !== 'cancel' && others.length > 0 && random.chance(0.12)) {
    last.after = [...new Set([random.pick(others), random.pick(others)].map(({ tag }) => tag))]
    if (random.chance(0.5)) last.spec['on_dependency_failure'] = 'run'
  }
  if (options.narrowQueue !== undefined && random.chance(0.1)) last.spec['queue'] = options.narrowQueue
  if (last.keyed && random.chance(0.1)) last.twice = true
  if (options.viewer && random.chance(0.03)) Object.assign(last, { forbidden: true, twice: undefined })
}

function operationOf(
  kind: string,
  shape: Shape,
  random: Random,
  options: LoadOptions,
  place: { atMs: number; size: number; batch: number; nr: number },
): Operation {
  const tag = `${kind}-${place.nr}`
  const secret = shape.leaks || random.chance(0.15) ? { secret_env: { TOKEN: secretOf(place.nr) } } : {}
  // Only what Runyard or the rig did to it is tried again: a job's own end is its end.
  const retry = { backoff_seconds: 0.1, factor: 1, jitter: 0, on: ['lost', 'infrastructure'] }
  const isolated = kind === 'hog' || random.chance(0.85)
  return {
    tag,
    kind,
    expected: shape.expected,
    leaks: shape.leaks,
    atMs: place.atMs,
    // A stubborn job ends by its cancel alone, which needs its id.
    keyed: shape.expected.by === 'cancel' || place.size > 1 || random.chance(0.9),
    ...(place.size > 1 ? { batch: place.batch } : {}),
    cancelAfterMs: shape.cancelAfterMs ?? (random.chance(0.08) ? random.int(0, 3000) : undefined),
    spec: {
      name: tag,
      command: [...options.witness, JSON.stringify({ tag, ...shape.plan } satisfies Plan)],
      max_attempts: random.pick([1, 3, 3]),
      stop_grace_seconds: 1,
      priority: random.int(3, 7),
      retry,
      ...(isolated ? { binds: options.binds } : { isolation: 'none' }),
      ...secret,
      ...shape.spec,
    },
  }
}
