/** What dies and comes back: the server, the runner, the whole of `up`. Real kills by pid. */
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Batch } from '../src/api/contract/index.ts'
import { ended, exited, logOf, readServerFile, signIn, startSystem, until } from './system.ts'

const short = { RUNYARD_HEARTBEAT_SECONDS: '1', RUNYARD_LEASE_SECONDS: '3', RUNYARD_GRACE_SECONDS: '3' }

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

test('a runner that is killed and never comes back: its job is dead before another runner starts it', async () => {
  // The witness: each attempt writes here that it lives, whatever became of its runner.
  const witness = await mkdtemp(join(tmpdir(), 'runyard-witness-'))
  if (process.getuid?.() === 0) await chown(witness, 65534, 65534)
  const settings = { ...short, RUNYARD_RUNNER_SLOTS: '1', ALLOWED_WORKDIRS: witness }
  const system = await startSystem(settings, { up: false })
  const server = system.spawn(['server'])
  try {
    await signIn(system)
    const first = system.spawn(['runner'], { RUNYARD_RUNNER_NAME: 'first' })
    const { id } = (await system.api.calls.jobs.submit({
      command: [
        'bash',
        '-c',
        'echo begun; for i in $(seq 60); do echo $RUNYARD_ATTEMPT $(date +%s%N) >> beats; sleep 0.1; done',
      ],
      working_dir: witness,
      max_attempts: 2,
      retry: { backoff_seconds: 0 },
    } as never)) as { id: string }
    await until('the first attempt', async () => (await logOf(system, id)).toString().includes('begun'))
    const runners = await system.api.calls.runners.list()
    expect(runners.runners).toHaveLength(1)
    first.kill('SIGKILL')
    await exited(first)
    const second = system.spawn(['runner'], { RUNYARD_RUNNER_NAME: 'second' })
    const job = await ended(system, id, 90_000)
    expect(job).toMatchObject({ state: 'succeeded', attempts_spent: 2 })
    const { attempts } = await system.api.calls.jobs.attempts({ id })
    expect(attempts.map((a) => [a.state, a.runner])).toEqual([
      ['lost', 'first'],
      ['succeeded', 'second'],
    ])
    const beats = (await readFile(join(witness, 'beats'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
    const of = (attempt: string) => beats.filter(([n]) => n === attempt).map(([, at]) => BigInt(at!))
    expect(of('1').length).toBeGreaterThan(0)
    expect(of('2')).toHaveLength(60)
    expect(of('1').at(-1)! < of('2')[0]!).toBe(true)
    second.kill('SIGTERM')
    expect(await exited(second)).toBe(0)
    server.kill('SIGTERM')
    expect(await exited(server)).toBe(0)
  } finally {
    await system.stop()
    await rm(witness, { recursive: true, force: true })
  }
}, 150_000)
