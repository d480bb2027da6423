/** The server dies and comes back, by real kills; runners that do not come back are in readopt.test.ts. */
import { expect, test } from 'vitest'
import type { Batch } from '../src/api/contract/index.ts'
import { ended, exited, logOf, readServerFile, signIn, startSystem, until } from './system.ts'

test('a job and a batch survive kill -9 and restart of the server, with log, exit codes and counters', async () => {
  const system = await startSystem({ RUNYARD_RUNNER_SLOTS: '4' }, { up: false })
  const server = system.spawn(['server'])
  try {
    await signIn(system)
    const runner = system.spawn(['runner'])
    const { id } = (await system.api.calls.jobs.submit({
      command: ['bash', '-c', 'for i in $(seq 1 30); do echo line $i; sleep 0.2; done; exit 3'],
    } as never)) as { id: string }
    const batch = await system.api.calls.batches.create({
      name: 'over a restart',
      matrix: { n: ['1..24'] },
      job: { command: ['sh', '-c', 'sleep 0.4; test {{n}} -ne 20'] },
    })
    const watching = system.cli(['batch', 'watch', batch.id, '--json'])
    const counts = async () => (await system.api.calls.batches.get({ id: batch.id })).counts
    await until('its first lines', async () => (await logOf(system, id)).toString().includes('line 5'))
    await until('the middle of the batch', async () => (await counts()).passed >= 4)
    expect((await counts()).waiting).toBeGreaterThan(0)
    const { pid } = await readServerFile(system)
    process.kill(pid, 'SIGKILL')
    await exited(server)
    const again = system.spawn(['server'])
    await signIn(system)
    const job = await ended(system, id)
    expect(job).toMatchObject({ state: 'failed', attempts_spent: 1, result: { exit_code: 3 } })
    expect((await logOf(system, id)).toString()).toBe(Array.from({ length: 30 }, (_, i) => `line ${i + 1}\n`).join(''))

    // Who watched goes on by themselves; what was counted as it happened is what a count of the jobs finds.
    const { code, stdout } = await watching
    expect([code, (JSON.parse(stdout) as Batch).status]).toEqual([1, 'failed'])
    const { jobs } = await system.api.calls.jobs.list({ batch_id: batch.id, limit: 100 })
    const counted = (status: string) => jobs.filter((one) => one.status === status).length
    expect(await counts()).toEqual({ waiting: 0, running: 0, passed: 23, failed: 1, cancelled: 0, total: 24 })
    expect([counted('passed'), counted('failed'), jobs.length]).toEqual([23, 1, 24])
    runner.kill('SIGTERM')
    expect(await exited(runner)).toBe(0)
    again.kill('SIGTERM')
    expect(await exited(again)).toBe(0)
  } finally {
    await system.stop()
  }
}, 120_000)
