/** The executor where there is no Perl: a chain of programs starts the command, and all promises hold. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executorConformance, unisolated } from './conformance.ts'
import { AttemptLost } from './executor.ts'
import { noSandbox } from './testing/needs.ts'
import { textOf } from './testing/read-log.ts'
import { createRig, processesWith, type Rig } from './testing/rig.ts'
import { until } from './testing/until.ts'
import { hidePerl } from './testing/without-perl.ts'

hidePerl()

executorConformance('the sandbox, without Perl', () => createRig(), noSandbox)
executorConformance('isolation "none", without Perl', async () => unisolated(await createRig()))

describe.skipIf(noSandbox).each(['full', 'none'] as const)('without Perl, isolation "%s"', (isolation) => {
  let rig: Rig
  beforeAll(async () => {
    rig = await createRig()
  })
  afterAll(async () => {
    const left = rig?.leftovers()
    await rig?.close()
    expect(left).toEqual([])
  })

  test('it is the chain that starts', async () => {
    expect((await rig.launcher.call({ op: 'hello' })).starter).toBeNull()
  })

  test('a command that cannot run is told apart from one that says so', async () => {
    const { attempt } = await rig.start(['no-such-program'], { spec: { isolation } })
    await expect(attempt.ended).rejects.toMatchObject({
      errorClass: 'start',
      message: expect.stringContaining('command not found') as string,
    })
    expect(attempt.log.length()).toBe(0)
    await attempt.release()
    const words = 'setpriv: failed to find x'
    const ran = await rig.run(['sh', '-c', `echo "${words}" >&2; exit 3`], { spec: { isolation } })
    expect(ran).toMatchObject({ exitCode: 3, stderr: `${words}\n` })
  })

  test('words like ours do not wait for the end of a command that runs', async () => {
    const { attempt } = await rig.start(['sh', '-c', 'printf "setpriv: hello" >&2; sleep 30'], { spec: { isolation } })
    await until(async () => (await textOf(attempt.log, 'stderr')) === 'setpriv: hello', 5000)
    await attempt.release()
  })

  test('a launcher that is killed takes it along', async () => {
    const { attempt } = await rig.start(['sh', '-c', 'echo up; exec sleep 985'], { spec: { isolation } })
    await until(async () => (await textOf(attempt.log, 'stdout')) === 'up\n')
    process.kill((await rig.launcher.call({ op: 'hello' })).pid, 'SIGKILL')
    await expect(attempt.ended).rejects.toBeInstanceOf(AttemptLost)
    expect(processesWith('sleep\x00985')).toEqual([])
    await attempt.release()
  })
})
