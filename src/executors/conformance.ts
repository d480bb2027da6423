/** What every executor promises; each implementation's tests run all of it. Imported by tests only. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeMark, decodeRecords } from '../logs/records.ts'
import type { AttemptOrder, Executor } from './executor.ts'
import type { Overrides } from './testing/orders.ts'
import { readLog, textOf } from './testing/read-log.ts'
import { until } from './testing/until.ts'

export interface ConformanceRig {
  executor: Executor
  order(command: string[], overrides?: Overrides): AttemptOrder
  /** As the next runner process would make it, beside this one. */
  successor(): Promise<Executor>
  leftovers(): string[]
  close(): Promise<void>
  /** Its place keeps no two streams apart: all comes as stdout. */
  oneStream?: true
}

/** The same with isolation "none". */
export const unisolated = (rig: ConformanceRig): ConformanceRig => ({
  ...rig,
  order: (command, overrides = {}) =>
    rig.order(command, { ...overrides, spec: { ...overrides.spec, isolation: 'none' } }),
})

export function executorConformance(
  name: string,
  make: () => Promise<ConformanceRig>,
  skip: string | false = false,
): void {
  describe.skipIf(skip)(`${name} keeps the executor's promises`, () => {
    let rig: ConformanceRig
    beforeAll(async () => {
      rig = await make()
    })
    afterAll(async () => {
      await rig?.close()
    })
    const start = (command: string[], overrides?: Overrides) => rig.executor.start(rig.order(command, overrides))

    test('what a short command wrote comes with its end, nothing is left', async () => {
      const attempt = await start(['sh', '-c', 'echo out; echo err >&2'])
      const ended = await attempt.ended
      const whole = attempt.log.whole()
      expect(whole?.length).toBe(attempt.log.length())
      expect(await textOf(attempt.log, 'stdout')).toBe(rig.oneStream ? 'out\nerr\n' : 'out\n')
      expect(await textOf(attempt.log, 'stderr')).toBe(rig.oneStream ? '' : 'err\n')
      expect((await readLog(attempt.log)).equals(whole!)).toBe(true)
      expect(ended).toMatchObject({ exitCode: 0, signal: null, oomKilled: false, remaining: 0 })
      expect(ended.reason).toBeUndefined()
      expect(ended.endedAt.getTime()).toBeGreaterThanOrEqual(ended.startedAt.getTime())
      await attempt.release()
      await attempt.release()
      expect(rig.leftovers()).toEqual([])
    })

    test('the exit code is the command’s', async () => {
      const attempt = await start(['sh', '-c', 'exit 7'])
      expect(await attempt.ended).toMatchObject({ exitCode: 7, remaining: 0 })
      await attempt.release()
    })

    test('secrets are masked, and the output limit is a mark', async () => {
      const secret = await start(['sh', '-c', 'echo the token is "$TOKEN"'], { secretEnv: { TOKEN: 'correct-horse' } })
      await secret.ended
      const limited = await start(['sh', '-c', 'seq -s "" 1000'], { limits: { output_bytes: 10 } })
      await limited.ended
      const { records } = decodeRecords(await readLog(limited.log))
      expect(records.filter((r) => r.stream === 'stdout').reduce((sum, r) => sum + r.payload.length, 0)).toBe(10)
      expect(decodeMark(records.at(-1)!.payload).bytes).toBeGreaterThan(900)
      expect(await textOf(secret.log, 'stdout')).not.toContain('correct-horse')
      await Promise.all([secret.release(), limited.release()])
    })

    test('a stop ends it inside the grace, and its reason is kept', async () => {
      const attempt = await start(['sleep', '30'])
      await attempt.stop('cancelled', 5000)
      expect(await attempt.ended).toMatchObject({ signal: 'SIGTERM', reason: 'cancelled', remaining: 0 })
      await attempt.release()
    })

    test('a second, harder stop does not wait for the grace of the first, whose reason stays', async () => {
      const attempt = await start(['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done'])
      await until(async () => (await textOf(attempt.log, 'stdout')) === 'up\n')
      const gentle = attempt.stop('cancelled', 60_000)
      await sleep(50)
      await attempt.stop('shutdown', 0)
      await gentle
      expect(await attempt.ended).toMatchObject({ signal: 'SIGKILL', reason: 'cancelled', remaining: 0 })
      await attempt.release()
      expect(rig.leftovers()).toEqual([])
    })

    test('the wall time ends it', async () => {
      const attempt = await start(['sleep', '30'], { timeoutMs: 100 })
      expect(await attempt.ended).toMatchObject({ signal: 'SIGTERM', reason: 'timeout', remaining: 0 })
      await attempt.release()
    })

    test('release of a running attempt kills it', async () => {
      const attempt = await start(['sleep', '30'])
      await attempt.release()
      expect((await attempt.ended).remaining).toBe(0)
      expect(rig.leftovers()).toEqual([])
    })

    test('the next process finds running and ended attempts with their notes, and nothing of what was released', async () => {
      const released = await start(['sh', '-c', 'exit 7'])
      await released.ended
      await released.release()
      const running = await start(['sleep', '30'], { note: { ref: 'running' } })
      const ended = await start(['sh', '-c', 'echo out; echo err >&2'], { note: { ref: 'ended' } })
      await ended.ended
      const next = await rig.successor()
      const found = new Map((await next.attempts()).map((attempt) => [attempt.key, attempt]))
      expect([...found.keys()].toSorted()).toEqual([running.key, ended.key].toSorted())
      const adopted = found.get(running.key)!
      const over = found.get(ended.key)!
      expect([adopted.note, over.note]).toEqual([{ ref: 'running' }, { ref: 'ended' }])
      expect(adopted.startedAt).toEqual(running.startedAt)
      expect(await over.ended).toMatchObject({ exitCode: 0 })
      expect(await textOf(over.log, 'stdout')).toBe(rig.oneStream ? 'out\nerr\n' : 'out\n')
      await adopted.stop('cancelled', 5000)
      expect(await adopted.ended).toMatchObject({ signal: 'SIGTERM', reason: 'cancelled' })
      await Promise.all([adopted.release(), over.release()])
      expect(await next.sweep()).toBe(0)
      expect(rig.leftovers()).toEqual([])
      await next.close()
    })
  })
}
