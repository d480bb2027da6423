/** Containers that outlive what started them: kept ready, a driver process killed, an engine restarted. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { textOf } from '../testing/read-log.ts'
import { until } from '../testing/until.ts'
import { claimOf, placesOf } from './place.ts'
import { noEngine, startEngine, type TestEngine } from './testing/engine.ts'
import { makeImage } from './testing/images.ts'
import { containerRig, containerSettings, containersOf, image, inImage, placesLeft } from './testing/rig.ts'

describe.skipIf(noEngine)('containers that outlive others', () => {
  let engine: TestEngine
  beforeAll(async () => {
    engine = await startEngine()
    await makeImage(engine.engine, image)
  }, 60_000)
  afterAll(() => engine?.close())

  test('warm: made ready after the first, taken by the next; a driver process killed is not the end of it', async () => {
    const own = await containerRig(engine, {}, inImage(image, { warm: { least: 1, most: 2 } }))
    const warmOnes = async () => (await containersOf(engine, own)).filter((one) => one.warm && one.running)
    await own.run(['true'])
    const waiting = async (): Promise<number> => {
      const states = (await own.executor.states()) as { container: { warm: { waiting: number }[] } }
      return states.container.warm.reduce((sum, { waiting: count }) => sum + count, 0)
    }
    await until(async () => (await waiting()) >= 1)
    const script =
      'i=0; while [ $i -lt 30 ]; do i=$((i+1)); printf "%d\\0\\377" $i; sleep 0.05; done; printf end; exit 9'
    const { attempt, order } = await own.start(['sh', '-c', script])
    await until(() => attempt.log.length() > 100)
    const [name] = placesLeft(own).filter((one) => claimOf(join(placesOf(own.config.tag), one)) === order.key)
    expect((await warmOnes()).map((one) => one.name)).toContain(name)
    // Other limits: none that waits would do.
    expect(await own.run(['sh', '-c', 'ulimit -n'], { limits: { open_files: 77 } })).toMatchObject({ stdout: '77\n' })
    await until(async () => (await warmOnes()).length >= 2)

    process.kill(own.pid()!, 'SIGKILL')
    expect(await attempt.ended).toMatchObject({ exitCode: 9, remaining: 0 })
    const wanted = `${Array.from({ length: 30 }, (_, i) => `${i + 1}\0\xff`).join('')}end`
    expect(await textOf(attempt.log, 'stdout')).toBe(wanted)
    expect(await textOf(attempt.log, 'stderr')).toBe('')
    // What waited has lost its driver and ended by itself; the next driver process has removed it, unasked.
    await until(async () => (await containersOf(engine, own)).length <= 1)
    expect(await own.executor.sweep()).toBe(0)
    await attempt.release()
    await until(async () => (await containersOf(engine, own)).length === 0)
    await own.close()
  })

  test('the engine’s service restarted in mid-run is not noticed by the job', async () => {
    const own = await containerRig(engine)
    const { attempt, stdout } = await own.start([
      'sh',
      '-c',
      'echo one; while ! [ -e /tmp/x ]; do sleep 0.1; i=$((i+1)); [ $i -lt 20 ] || touch /tmp/x; done; echo two; exit 4',
    ])
    await until(async () => (await stdout()) === 'one\n')
    await engine.stopService()
    await engine.startService()
    expect(await attempt.ended).toMatchObject({ exitCode: 4 })
    expect(await stdout()).toBe('one\ntwo\n')
    await attempt.release()
    await own.close()
  })

  test('no engine: told in a sentence', async () => {
    const container = { ...containerSettings(engine), socket: '/nowhere/no.sock' }
    const own = await containerRig(engine, { container })
    await expect(own.run(['true'])).rejects.toThrow(/container engine at .*no\.sock does not answer: ENOENT; start it/)
    await own.close()
  })
})
