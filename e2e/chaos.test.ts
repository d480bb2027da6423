/** A sample of `npm run chaos -- --case kills`: everything is killed again and again under load, and nothing is wrong. */
import { expect, test } from 'vitest'
import { kills } from '../chaos/cases/kills.ts'
import { shortLeases, victims } from '../chaos/stand.ts'
import { noSandbox } from '../src/executors/testing/needs.ts'

/** Another one: RUNYARD_CHAOS_SEED=17 npx vitest run e2e/chaos.test.ts */
const seed = process.env['RUNYARD_CHAOS_SEED'] ?? '1'

test.skipIf(noSandbox)(
  `70 mixed jobs, 8 kills -9 of server, runner, launcher and PostgreSQL: no violation (seed ${seed})`,
  async () => {
    const said: string[] = []
    const { violations, evidence } = await kills({
      seed,
      jobs: 70,
      kills: 8,
      gapMs: 1500,
      settings: { ...shortLeases, RUNYARD_RUNNER_SLOTS: '8' },
      patienceMs: 90_000,
      say: (line) => said.push(line),
    })
    expect(violations, said.join('\n')).toEqual([])
    expect(new Set(evidence.faults.map((fault) => fault.victim))).toEqual(new Set(victims))
    expect(evidence.faults).toHaveLength(8)
    expect(evidence.jobs.length).toBeGreaterThan(58) // the rest were asked once, without an answer
  },
  240_000,
)
