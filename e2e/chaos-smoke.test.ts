/** The smoke profile of `npm run chaos`: a fleet in namespaces of its own, 500 jobs, sixteen faults, thirteen invariants. */
import { expect, test } from 'vitest'
import { networkMissing } from '../chaos/fleet/network.ts'
import { profiles } from '../chaos/fleet/profiles.ts'
import { runFleet, summaryOf } from '../chaos/fleet/run.ts'
import { noSandbox } from '../src/executors/testing/needs.ts'

/** Another one: RUNYARD_CHAOS_SEED=17 npx vitest run e2e/chaos-smoke.test.ts */
const seed = process.env['RUNYARD_CHAOS_SEED'] ?? '1'
const { smoke } = profiles

const missing = noSandbox || (networkMissing() ?? false)
if (missing) process.stderr.write(`skipped: the smoke profile of chaos: ${missing}\n`)

test.skipIf(missing)(
  `2 servers, 3 runners, ${smoke.jobs} jobs, ${smoke.faults} faults: no violation (seed ${seed})`,
  async () => {
    const said: string[] = [...smoke.without.map((line) => `not checked: ${line}`)]
    const { violations, evidence } = await runFleet({ seed, profile: smoke, say: (line) => said.push(line) })
    said.push(...summaryOf(evidence))
    for (const line of said) process.stderr.write(`${line}\n`)
    expect(violations, said.join('\n')).toEqual([])
    const struck = new Set(evidence.faults.map(({ what }) => what?.split(' ')[0]))
    expect([...struck]).toEqual(expect.arrayContaining(['F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'F9', 'F10', 'F14']))
    expect(evidence.faults.length).toBeGreaterThanOrEqual(12)
    expect(evidence.jobs.length).toBeGreaterThan(smoke.jobs * 0.9) // some were asked once, some were forbidden
    expect(evidence.replays.length).toBeGreaterThan(0)
    expect(evidence.dependencies.length).toBeGreaterThan(0)
  },
  480_000,
)
