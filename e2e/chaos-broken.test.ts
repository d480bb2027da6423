/** The checker is worth what it catches: builds with one mistake each, and the same run of the intact build. */
import { expect, test } from 'vitest'
import { brokenBuilds, makeBroken } from '../chaos/broken-builds.ts'
import type { Violation } from '../chaos/checker.ts'
import { runScenario, type ScenarioName } from '../chaos/scenarios.ts'
import type { TrialResult } from '../chaos/trial.ts'
import { noSandbox } from '../src/executors/testing/needs.ts'

const seed = '1'

/** The kind that this mistake must show as. */
const caught: Record<ScenarioName, Violation['kind']> = {
  exitIsEnd: 'log_missing',
  ackBeforeCommit: 'lost_job',
  finishWithoutToken: 'wrong_outcome',
  noSweep: 'leftover',
}

for (const name of Object.keys(caught) as ScenarioName[]) {
  const { mistake } = brokenBuilds[name]
  test.skipIf(noSandbox)(
    `the checker catches it when ${mistake}`,
    async () => {
      const broken = makeBroken(brokenBuilds[name])
      try {
        // Beside each other, as most of either is waiting for leases.
        const both = await Promise.allSettled([
          runScenario(name, { seed }),
          runScenario(name, { seed, root: broken.root }),
        ])
        const [intact, wrong] = both.map((run) => {
          if (run.status === 'rejected') throw run.reason
          return run.value
        }) as [TrialResult, TrialResult]
        expect(intact.violations).toEqual([])
        expect(wrong.violations.map(({ kind }) => kind)).toContain(caught[name])
      } finally {
        broken.remove()
      }
    },
    180_000,
  )
}

test('a mistake that no longer fits the code says so instead of testing nothing', () => {
  const edit = { file: 'src/main.ts', find: 'this text is nowhere', put: '' }
  expect(() => makeBroken({ mistake: 'something is wrong', edits: [edit] })).toThrow(/has moved.*found 0 times/s)
})
