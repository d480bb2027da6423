/** What every executor promises; each implementation's tests run all of it. Imported by tests only. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AttemptOrder, Executor, RunningAttempt } from './executor.ts'
import { collect } from './testing/rig.ts'

export interface ConformanceRig {
  executor: Executor
  order(command: string[], overrides?: Partial<AttemptOrder>): AttemptOrder
  leftovers(): string[]
  close(): Promise<void>
}

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

    const start = async (command: string[]): Promise<{ attempt: RunningAttempt; text(): Promise<string> }> => {
      let text = ''
      let drained: Promise<unknown> = Promise.resolve()
      const attempt = await rig.executor.start({
        ...rig.order(command),
        async onPipes(pipes) {
          const add = (piece: string): string => (text += piece)
          drained = Promise.all([collect(pipes.stdout, add), collect(pipes.stderr, add)])
        },
      })
      return {
        attempt,
        async text() {
          await drained
          return text
        },
      }
    }

    test('what a short command wrote is there, its pipes end with it, nothing is left', async () => {
      const { attempt, text } = await start(['sh', '-c', 'echo out; echo err >&2'])
      const ended = await attempt.ended
      expect((await text()).split('\n').toSorted()).toEqual(['', 'err', 'out'])
      expect(ended).toMatchObject({ exitCode: 0, signal: null, oomKilled: false, remaining: 0 })
      expect(ended.endedAt.getTime()).toBeGreaterThanOrEqual(ended.startedAt.getTime())
      await attempt.release()
      await attempt.release()
      expect(rig.leftovers()).toEqual([])
    })

    test('the exit code is the command’s', async () => {
      const { attempt } = await start(['sh', '-c', 'exit 7'])
      expect(await attempt.ended).toMatchObject({ exitCode: 7, remaining: 0 })
      await attempt.release()
    })

    test('a stop ends it inside the grace', async () => {
      const { attempt } = await start(['sleep', '30'])
      await attempt.stop(5000)
      expect(await attempt.ended).toMatchObject({ signal: 'SIGTERM', remaining: 0 })
      await attempt.release()
    })

    test('a second, harder stop does not wait for the grace of the first', async () => {
      const { attempt } = await start(['sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done'])
      const gentle = attempt.stop(60_000)
      await sleep(50)
      await attempt.stop(0)
      await gentle
      expect(await attempt.ended).toMatchObject({ signal: 'SIGKILL', remaining: 0 })
      await attempt.release()
      expect(rig.leftovers()).toEqual([])
    })

    test('release of a running attempt kills it', async () => {
      const { attempt } = await start(['sleep', '30'])
      await attempt.release()
      expect((await attempt.ended).remaining).toBe(0)
      expect(rig.leftovers()).toEqual([])
    })

    test('there is nothing to adopt where nothing was started', async () => {
      expect(await rig.executor.adopt('/nonexistent/runyard')).toBeNull()
    })
  })
}
