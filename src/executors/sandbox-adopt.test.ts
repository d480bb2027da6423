import { setTimeout as sleep } from 'node:timers/promises'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AttemptLost, StartRefused, type Executor, type RunningAttempt } from './executor.ts'
import { homePrefix } from './sandbox/unisolated.ts'
import { runnerTag } from './sandbox/ground.ts'
import { cgroupsOf, createRig, everyStartWarm, processesWith, type Rig } from './testing/rig.ts'
import { noCgroups, noPerl, noSandbox } from './testing/needs.ts'
import { textOf } from './testing/read-log.ts'
import { until } from './testing/until.ts'

const kinds = ['full', 'none'] as const

describe.skipIf(noSandbox)('when processes die', () => {
  let rig: Rig
  beforeEach(async () => {
    rig = await createRig()
  })
  afterEach(async () => {
    const left = rig?.leftovers()
    await rig?.close()
    expect(left).toEqual([])
  })
  const pids = () => rig.launcher.call({ op: 'hello' })
  const stubborn = (seconds: number): string[] => [
    'sh',
    '-c',
    `trap "" TERM; (setsid sh -c "trap \\"\\" TERM; sleep ${seconds}" &); echo up; while :; do sleep ${seconds}; done`,
  ]
  const upAndRunning = async (attempt: RunningAttempt): Promise<void> =>
    until(async () => (await textOf(attempt.log, 'stdout')).includes('up'))
  const found = async (executor: Executor, key: string): Promise<RunningAttempt> => {
    const attempt = (await executor.attempts()).find((one) => one.key === key)
    if (!attempt) throw new Error(`${key} was not found`)
    return attempt
  }

  test('a runner: the next one has output, stop and exit code, and the wall time went on', async () => {
    const { order } = await rig.start([
      'sh',
      '-c',
      'trap "echo bye; exit 9" TERM; while :; do echo tick; sleep 0.05; done',
    ])
    const next = await rig.successor()
    const attempt = await found(next, order.key)
    expect(attempt.note).toEqual(order.note)
    await until(async () => (await textOf(attempt.log, 'stdout')).split('tick').length > 4)
    await attempt.stop('shutdown', 5000)
    expect(await attempt.ended).toMatchObject({ exitCode: 9, reason: 'shutdown', remaining: 0 })
    expect(await textOf(attempt.log, 'stdout')).toMatch(/tick\nbye\n$/)
    await attempt.release()
    const short = await rig.start(['sleep', '30'], { timeoutMs: 300 })
    expect(await (await found(await rig.successor(), short.order.key)).ended).toMatchObject({ reason: 'timeout' })
    await short.attempt.release()
  })

  test('a runner that nobody follows: the keeper ends its attempts', async () => {
    const dropped = await rig.start(['sleep', '30'], { keepForMs: 1500 })
    const kept = await rig.start(['sleep', '30'], { keepForMs: 1500 })
    await rig.executor.extend([kept.order.key], 60_000)
    expect(await dropped.attempt.ended).toMatchObject({ reason: 'keeper', signal: 'SIGKILL', remaining: 0 })
    await rig.executor.extend([kept.order.key], 0)
    expect(await kept.attempt.ended).toMatchObject({ reason: 'keeper' })
    await Promise.all([dropped.attempt.release(), kept.attempt.release()])
  })

  test('a launcher that stood still reads its mail first, and counts from when it was written', async () => {
    const dropped = await rig.start(['sleep', '30'], { keepForMs: 1500 })
    const kept = await rig.start(['sleep', '30'], { keepForMs: 1500 })
    const { pid } = await pids()
    process.kill(pid, 'SIGSTOP')
    let extended: Promise<void>[]
    let late: Promise<unknown>
    try {
      extended = [rig.executor.extend([dropped.order.key], 1000), rig.executor.extend([kept.order.key], 60_000)]
      late = rig.start(['sleep', '30'], { keepForMs: 300 }).catch((error: Error) => error.message)
      await sleep(2000)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await Promise.all(extended)
    const continued = performance.now()
    expect(await dropped.attempt.ended).toMatchObject({ reason: 'keeper' })
    expect(performance.now() - continued).toBeLessThan(900)
    expect(await late).toContain('lease ran out')
    await rig.executor.extend([kept.order.key], 0)
    expect(await kept.attempt.ended).toMatchObject({ reason: 'keeper' })
    await Promise.all([dropped.attempt.release(), kept.attempt.release()])
  })

  test.each(kinds)('the launcher: its attempts are dead and lost, and the next one goes on (%s)', async (isolation) => {
    const over = await rig.start(['sh', '-c', 'echo kept; exit 6'], { spec: { isolation } })
    await over.attempt.ended
    // Its end is on disk at once, its output a moment later.
    await until(() => existsSync(join(rig.attemptsDir, `${over.order.key}.log`)))
    const { attempt, order } = await rig.start(stubborn(981), { spec: { isolation } })
    await upAndRunning(attempt)
    const { pid, starter } = await pids()
    process.kill(pid, 'SIGKILL')
    await expect(attempt.ended).rejects.toBeInstanceOf(AttemptLost)
    expect(processesWith('sleep\x00981')).toEqual([])
    if (starter !== null) await until(() => !existsSync(`/proc/${starter}`))
    const next = await rig.successor()
    await expect((await found(next, order.key)).ended).rejects.toBeInstanceOf(AttemptLost)
    const known = await found(next, over.order.key)
    expect(await known.ended).toMatchObject({ exitCode: 6 })
    expect(await textOf(known.log, 'stdout')).toBe('kept\n')
    expect(await rig.run(['sh', '-c', 'exit 4'])).toMatchObject({ exitCode: 4 })
    for (const one of await next.attempts()) await one.release()
    expect(await next.sweep()).toBe(0)
  })

  test('the launcher, before it heard of a start: that one never began', async () => {
    await rig.run(['true'])
    const { pid } = await pids()
    process.kill(pid, 'SIGSTOP')
    const starting = rig.start(['true'])
    // In its socket, unread.
    await sleep(50)
    process.kill(pid, 'SIGKILL')
    const refused: unknown = await starting.catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(StartRefused)
    expect(refused).toMatchObject({ errorClass: 'infrastructure', message: expect.stringContaining('died before') })
    expect(await rig.run(['sh', '-c', 'exit 4'])).toMatchObject({ exitCode: 4 })
  })

  test.skipIf(noPerl || everyStartWarm)(
    'the launcher, between a start and its answer: perhaps it ran, so it is lost',
    async () => {
      await rig.run(['true'])
      const { pid, starter } = await pids()
      process.kill(starter!, 'SIGSTOP')
      const order = rig.order(['sleep', '986'])
      const starting = rig.executor.start(order)
      await until(() => readFileSync(join(rig.attemptsDir, '0.attempt'), 'utf8').includes(order.key))
      process.kill(pid, 'SIGKILL')
      process.kill(starter!, 'SIGCONT')
      const attempt = await starting
      expect(attempt.note).toEqual(order.note)
      await expect(attempt.ended).rejects.toBeInstanceOf(AttemptLost)
      await until(() => processesWith('sleep\x00986').length === 0)
      await attempt.release()
      expect(await rig.executor.sweep()).toBe(0)
    },
  )

  test.skipIf(noPerl).each(kinds)(
    'the starter: the launcher kills its trees and starts another (%s)',
    async (isolation) => {
      const { attempt } = await rig.start(stubborn(982), { spec: { isolation } })
      await upAndRunning(attempt)
      const { starter } = await pids()
      process.kill(starter!, 'SIGKILL')
      await expect(attempt.ended).rejects.toBeInstanceOf(AttemptLost)
      expect(processesWith('sleep\x00982')).toEqual([])
      await attempt.release()
      expect(await rig.run(['sh', '-c', 'exit 4'], { spec: { isolation } })).toMatchObject({ exitCode: 4 })
      expect((await pids()).starter).not.toBe(starter)
    },
  )

  test('launcher and starter at once: the next launcher kills what is left before anything else', async () => {
    const { attempt } = await rig.start(stubborn(983), { spec: { isolation: 'none' } })
    await upAndRunning(attempt)
    const { pid, starter } = await pids()
    if (starter !== null) process.kill(starter, 'SIGKILL')
    process.kill(pid, 'SIGKILL')
    await expect(attempt.ended).rejects.toBeInstanceOf(AttemptLost)
    expect(processesWith('sleep\x00983')).toEqual([])
    await attempt.release()
  })

  test.skipIf(noCgroups)('sweep removes everything under our marks that no attempt needs', async () => {
    const kept = await rig.start(['sleep', '979'])
    const tag = runnerTag(rig.runDir)
    const base = join(cgroupsOf(rig.runDir)[0]!, '..')
    mkdirSync(join(base, 'slot-77'))
    mkdirSync(join(tmpdir(), `${homePrefix(tag)}gone`))
    writeFileSync(join(rig.attemptsDir, 'gone.attempt'), 'rubbish')
    writeFileSync(join(rig.attemptsDir, 'gone.log'), '')
    writeFileSync(join(rig.runDir, 'pipes', 'slot-77.stdout'), '')
    expect(await rig.executor.sweep()).toBe(5)
    expect(existsSync(join(base, 'slot-77'))).toBe(false)
    expect(existsSync(join(tmpdir(), `${homePrefix(tag)}gone`))).toBe(false)
    expect(readdirSync(rig.attemptsDir)).toEqual(['0.attempt'])
    await kept.attempt.stop('cancelled', 1000)
    expect(await kept.attempt.ended).toMatchObject({ signal: 'SIGTERM', reason: 'cancelled' })
    await kept.attempt.release()
    expect(await rig.executor.sweep()).toBe(0)
  })

  test('state files say nothing secret', async () => {
    const { attempt, order } = await rig.start(['sleep', '30'], { secretEnv: { TOKEN: 'canary-9d2e' } })
    const text = readFileSync(join(rig.attemptsDir, '0.attempt'), 'utf8')
    expect(text).toContain(order.key)
    expect(text).not.toContain('canary-9d2e')
    await attempt.release()
  })
})
