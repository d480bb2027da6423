/** The server goes away and comes back, and everything is stopped and started in turn under load. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { ended, until } from '../system.ts'
import { allEnded, runningJobs, type Say } from './database.ts'
import { followers } from './followers.ts'
import { submitAllTheTime } from './probes.ts'
import { withRig, type Rig } from './rig.ts'
import { assertUnharmed } from './witness.ts'

/** Once by kill -9, once by SIGTERM, each time away for so long. */
export async function serverAway({ seconds }: { seconds: number }, say: Say = () => {}): Promise<void> {
  await withRig({ ownPostgres: {} }, async (rig) => {
    const jobs = await runningJobs(rig, 2, 2 * seconds + 10)
    const watching = await followers(rig, jobs[0]!)
    const runner = await rig.runnerPid()
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      await sleep(1000)
      const code = await rig.stopServer(signal)
      assert.equal(code, signal === 'SIGTERM' ? 0 : null)
      await sleep(seconds * 1000)
      await rig.startServer()
      const begun = performance.now()
      await until('the runner', () => claimsAgain(rig), 10_000)
      say(`${signal}: the runner took a job ${Math.round(performance.now() - begun)} ms after the server's return`)
    }
    assert.equal(await rig.runnerPid(), runner)
    for (const id of jobs) await assertUnharmed(rig.system, rig.witness, id)
    await watching.assertComplete()
  })
}

async function claimsAgain(rig: Rig): Promise<boolean> {
  const id = await rig.submit({ command: ['true'] })
  await until('a start', async () => (await rig.system.api.calls.jobs.get({ id })).started_at, 10_000)
  return true
}

/** SIGTERM to the server and to the runner in turn, again and again, while jobs come and run. */
export async function rollingRestart(
  { jobs, rounds }: { jobs: number; rounds: number },
  say: Say = () => {},
): Promise<void> {
  await withRig({ ownPostgres: {}, settings: { RUNYARD_DRAIN_SECONDS: '10' } }, async (rig) => {
    const specs = Array.from({ length: jobs }, (_, i) => ({
      name: `load-${i}`,
      command: ['sh', '-c', `echo begin ${i}; sleep 0.$((${i} % 4)); echo end ${i}`],
    }))
    const { ids } = (await rig.system.api.calls.jobs.submitMany({ jobs: specs } as never)) as { ids: string[] }
    const submitter = submitAllTheTime(rig, 100)
    for (let round = 0; round < rounds; round++) {
      await sleep(700)
      assert.equal(await rig.stopServer('SIGTERM'), 0, 'the server')
      await rig.startServer()
      await sleep(700)
      assert.equal(await rig.stopRunner('SIGTERM'), 0, 'the runner')
      rig.startRunner()
    }
    const keys = await submitter.settle()
    await allEnded(rig, 120_000)
    const { by_state: states } = await rig.system.api.calls.jobs.stats()
    const all = ids.length + keys
    assert.deepEqual([states.succeeded, states.lost ?? 0, states.failed ?? 0], [all, 0, 0], JSON.stringify(states))
    for (const [i, id] of ids.entries()) {
      const job = await ended(rig.system, id)
      assert.equal(job.attempts_spent, 1)
      const bytes = await rig.system.api.readLog({ jobId: id })
      assert.equal(bytes.bytes.toString(), `begin ${i}\nend ${i}\n`)
    }
    say(`${all} jobs over ${rounds} restarts of each: all succeeded, in one attempt each, with their logs`)
  })
}
