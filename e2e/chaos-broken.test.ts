/** The checker is worth what it catches: builds with one mistake each, and the same run of the intact build. */
import { expect, test } from 'vitest'
import { brokenBuilds, makeBroken } from '../chaos/broken-builds.ts'
import type { Violation } from '../chaos/checker.ts'
import { runScenario, scenarios, type ScenarioName } from '../chaos/scenarios.ts'
import type { TrialResult } from '../chaos/trial.ts'
import { noSandbox } from '../src/executors/testing/needs.ts'

const seed = '1'

/** The kind that this mistake must show as. */
const caught: Record<ScenarioName, Violation['kind']> = {
  exitIsEnd: 'log_missing',
  ackBeforeCommit: 'lost_job',
  finishWithoutToken: 'wrong_outcome',
  noSweep: 'leftover',
  noGraceAfterOutage: 'wrong_outcome',
  noticeWithoutPoll: 'kept_waiting',
  leaseByLocalClock: 'wrong_outcome',
  finishWithoutState: 'changed_end',
  slotCounter: 'not_ended',
  dependenciesIgnored: 'dependency_broken',
  capIgnored: 'cap_exceeded',
  keyIgnored: 'doubled_job',
  cancelUnnoted: 'audit_wrong',
  secretsUnmasked: 'secret_seen',
}

/** A sample in CI, each found by another look of the checker; the rest with RUNYARD_CHAOS_ALL=1, by hand (bench/CHAOS.md). */
const inCi: ScenarioName[] = ['exitIsEnd', 'finishWithoutToken', 'noGraceAfterOutage']
const names = (Object.keys(caught) as ScenarioName[]).filter(
  (name) => process.env['RUNYARD_CHAOS_ALL'] === '1' || inCi.includes(name),
)

/** Most of a run is waiting for leases, so several fit beside each other; on two cores not many. */
const atOnce = 2
let running = 0
const waiting: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve))
  running++
  try {
    return await work()
  } finally {
    running--
    waiting.shift()?.()
  }
}

/** One run of the intact build for each scenario. */
const intactRuns = new Map<unknown, Promise<TrialResult>>()

function intactRun(name: ScenarioName): Promise<TrialResult> {
  const run = intactRuns.get(scenarios[name]) ?? runScenario(name, { seed })
  intactRuns.set(scenarios[name], run)
  return run
}

async function bothRuns(name: ScenarioName): Promise<[TrialResult, TrialResult]> {
  const broken = makeBroken(brokenBuilds[name])
  try {
    const both = await Promise.allSettled([intactRun(name), runScenario(name, { seed, root: broken.root })])
    return both.map((run) => {
      if (run.status === 'rejected') throw run.reason
      return run.value
    }) as [TrialResult, TrialResult]
  } finally {
    broken.remove()
  }
}

for (const name of names) {
  const { mistake } = brokenBuilds[name]
  test.skipIf(noSandbox).concurrent(
    `the checker catches it when ${mistake}`,
    async () => {
      const [intact, wrong] = await inTurn(() => bothRuns(name))
      expect(intact.violations).toEqual([])
      expect(wrong.violations.map(({ kind }) => kind)).toContain(caught[name])
    },
    600_000,
  )
}

test('a mistake that no longer fits the code says so instead of testing nothing', () => {
  const edit = { file: 'src/main.ts', find: 'this text is nowhere', put: '' }
  expect(() => makeBroken({ mistake: 'something is wrong', edits: [edit] })).toThrow(/has moved.*found 0 times/s)
})
