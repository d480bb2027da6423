import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createReportFrames } from '../job/report-frames.ts'
import { executorConformance } from './conformance.ts'
import { signalTo } from './processes.ts'
import { fingerprintOf, type SystemView } from './sandbox/system-view.ts'
import { noCgroups, noPerl } from './testing/needs.ts'
import { createRig, waitersIn, type Rig, type Started } from './testing/rig.ts'
import { until } from './testing/until.ts'

const MiB = 1024 * 1024
const missing = noCgroups || noPerl

executorConformance('a sandbox that was built ahead', () => createRig({ warm: { always: true } }), missing)

describe.skipIf(missing)('sandboxes that are built ahead', () => {
  let rig: Rig
  beforeAll(async () => {
    rig = await createRig({ warm: { most: 2 } })
  })
  afterAll(async () => {
    const left = rig?.leftovers()
    await rig?.close()
    expect(left).toEqual([])
  })
  const warm = async () => (await rig.launcher.call({ op: 'hello' })).warm
  const isWaiting = () => until(async () => (await warm()).waiting > 0)
  const noneWaits = () => until(async () => (await warm()).waiting === 0)
  const used = async (run: () => Promise<unknown>): Promise<number> => {
    const before = (await warm()).used
    await run()
    return (await warm()).used - before
  }

  test('the job sees what it would see in its own', async () => {
    const script = [
      'env; hostname; pwd; ulimit -a; umask; tr "\\0" "|" < /proc/$$/cmdline; cut -d" " -f1,2,4-8 /proc/$$/stat',
      'grep -E "^(Sig|Shd|Cap|Seccomp|NoNew|Umask|Groups|Uid|NSpid|NSsid|Threads)" /proc/self/status',
      'ls -l /proc/$$/fd | sed "s/.*[0-9] //"; cat /etc/hosts /proc/mounts /proc/self/oom_score_adj; ls -lR /job /tmp /dev | sed "s/ [A-Z].*[0-9]:[0-9]*//"',
      'echo $PPID $$; printf "%s|" "$0" "$@"; echo "$ODD $S" | od -c',
    ].join('\n')
    const command = ['sh', '-c', script, 'zero', 'ü b', '', 'it\'s "$x"\n']
    const env = { ODD: 'a=b\n"\'\\ ü', 'no.shell-name': 'x', PWD: '/nonsense', LANG: 'xx_YY', PATH: '/usr/bin:/bin' }
    const order = { slot: 0, env, secretEnv: { S: 'canary-77ab' } }
    const cold = await rig.run(command, order)
    await isWaiting()
    let ran = cold
    expect(await used(async () => (ran = await rig.run(command, order)))).toBe(1)
    const told = (text: string): string => text.replace(/^(pipe:|.*->).*\n/gm, '').replace(/ total \d+\n/g, '')
    expect(told(ran.stdout)).toBe(told(cold.stdout))
    expect(ran).toMatchObject({ exitCode: 0, stderr: cold.stderr, unenforced: [], remaining: 0 })
    // A shell drops names that it could not use itself.
    await isWaiting()
    expect(await used(async () => (ran = await rig.run(['env'], order)))).toBe(1)
    expect(ran.stdout).toMatch(/^LANG=xx_YY\n/m)
    expect(ran.stdout).toMatch(/^PWD=\/job\n/m)
    expect(ran.stdout).toMatch(/^no\.shell-name=x\n/m)
    expect(ran.stdout).toContain(`ODD=${env.ODD.replace('ü', 'Ã¼')}\n`)
  })

  test('limits, and what is counted, are the job’s', async () => {
    await isWaiting()
    const limits = { memory_bytes: 32 * MiB, pids: 10, cpu: 1 }
    const hog = ['sh', '-c', 'exec dd if=/dev/zero of=/dev/null bs=100M count=1']
    expect(
      await used(async () =>
        expect(await rig.run(hog, { slot: 0, limits })).toMatchObject({ oomKilled: true, signal: 'SIGKILL' }),
      ),
    ).toBe(1)
    await isWaiting()
    const ended = await rig.run(['true'], { slot: 0, limits })
    expect(ended).toMatchObject({ exitCode: 0, oomKills: 0, oomKilled: false })
    await isWaiting()
    const crowd = ['sh', '-c', 'i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i+1)); done']
    expect((await rig.run(crowd, { slot: 0, limits })).stderr).toMatch(/Cannot fork|Resource temporarily unavailable/)
  })

  const leaving = { outputs: true, junit: ['*.xml'], artifacts: ['kept'] }
  const artifactCaps = { bytes: MiB, files: 10 }
  const picked = (path: string): string =>
    createReportFrames()(readFileSync(path))
      .map((frame) =>
        frame.kind === 'data' ? frame.bytes.toString() : frame.kind === 'section' ? `${frame.text}:` : '',
      )
      .join('')

  test('files that are wanted are picked up, the command sees nothing of it and ends as it would', async () => {
    const seen = 'env | sort; ls /proc/self/fd | wc -l; grep -i sig /proc/self/status; ls -A /tmp /job; umask'
    const order = { slot: 0, env: { A: '1', PERL5OPT: '-Mnone', LC_ALL: 'xx_XX' }, artifactCaps }
    const plain = await rig.run(['sh', '-c', seen], order)
    await isWaiting()
    const write = 'echo v=1 >>$RUNYARD_OUTPUT; echo "<x/>" >a.xml; echo art >kept; kill -USR1 $$'
    let started: Started | undefined
    const one = { ...order, spec: leaving, secretEnv: { S: 'canary-77ab' } }
    expect(await used(async () => (started = await rig.start(['sh', '-c', `${seen}; ${write}`], one)))).toBe(1)
    const { attempt, stdout } = started!
    const ended = await attempt.ended
    const { path } = ended.report!
    expect(picked(path!)).toBe('output:v=1\njunit:<x/>\nartifacts:art\n')
    const ours = /^(RUNYARD_OUTPUT|S)=.*\n|^\.runyard-.*\n/gm
    expect((await stdout()).replace(ours, '')).toBe(plain.stdout)
    expect(ended).toMatchObject({ exitCode: 138, signal: 'SIGUSR1', remaining: 0 })
    await attempt.release()
    expect(existsSync(path!)).toBe(false)
  })

  test('a stop and a runner that died: the next one gets the files of a job in one', async () => {
    await rig.run(['true'], { slot: 0 })
    await isWaiting()
    const script = 'trap "echo v=2 >>$RUNYARD_OUTPUT; exit 7" TERM; echo up; while :; do sleep 0.05; done'
    let started: Started | undefined
    const start = async () => (started = await rig.start(['sh', '-c', script], { slot: 0, spec: { outputs: true } }))
    expect(await used(start)).toBe(1)
    const { order, stdout } = started!
    await until(async () => (await stdout()) === 'up\n')
    const again = (await (await rig.successor()).attempts()).find(({ key }) => key === order.key)!
    await again.stop('cancelled', 5000)
    const ended = await again.ended
    expect(ended).toMatchObject({ exitCode: 7, reason: 'cancelled', remaining: 0 })
    expect(picked(ended.report!.path!)).toBe('output:v=2\n')
    await again.release()
  })

  test.each([
    [['no-such-program'], 'command not found: no-such-program is not in the PATH'],
    [['/etc/passwd'], 'not executable: /etc/passwd'],
    [['sh', 'x'.repeat(140_000)], 'arguments and environment are too long'],
    [['no-such-program'], 'command not found: no-such-program is not in the PATH', { outputs: true as const }],
  ])(
    'a command that cannot be executed: the reason is the same (%#)',
    async (command, message, spec?: { outputs: true }) => {
      await isWaiting()
      const before = (await warm()).used
      const { attempt } = await rig.start(command, { slot: 0, spec: spec ?? {} })
      await expect(attempt.ended).rejects.toMatchObject({
        errorClass: 'start',
        message: expect.stringContaining(message) as string,
      })
      expect(attempt.log.length()).toBe(0)
      await attempt.release()
      expect((await warm()).used - before).toBe(1)
    },
  )

  test('a command that does not fit into the pipe at once', async () => {
    await isWaiting()
    const big = Array.from({ length: 10 }, () => 'x'.repeat(100_000))
    expect(
      await used(async () => expect((await rig.run(['sh', '-c', 'echo $#', ...big], { slot: 0 })).stdout).toBe('9\n')),
    ).toBe(1)
  })

  test('another kind of job does not get it, and nothing waits under the uid that it runs as', async () => {
    for (const other of [
      { limits: { disk_bytes: 17 * MiB } },
      { limits: { open_files: 512 } },
      { spec: { network: 'host' as const } },
      { spec: { isolation: 'none' as const } },
    ]) {
      await rig.run(['true'], { slot: 0 })
      await isWaiting()
      const run = async () => {
        const { attempt, stdout } = await rig.start(['sh', '-c', 'echo up; sleep 30'], { slot: 0, ...other })
        await until(async () => (await stdout()).includes('up'))
        await noneWaits()
        await attempt.release()
      }
      expect(await used(run)).toBe(0)
    }
  })

  test('two wait at most, where the next jobs will come', async () => {
    const running = await Promise.all([0, 1, 2, 3].map((slot) => rig.start(['sleep', '30'], { slot })))
    for (const { attempt } of running) await attempt.release()
    await until(async () => (await warm()).waiting === 2)
    expect(await used(() => Promise.all([0, 1].map((slot) => rig.run(['true'], { slot }))))).toBe(2)
  })

  test('a sandbox that dies while it waits costs nobody a job', async () => {
    await isWaiting()
    const { starter } = await rig.launcher.call({ op: 'hello' })
    process.kill(starter!, 'SIGKILL')
    await noneWaits()
    expect(await rig.run(['sh', '-c', 'exit 3'], { slot: 0 })).toMatchObject({ exitCode: 3 })
    await isWaiting()
    for (const pid of waitersIn(rig.runDir)) signalTo(pid, 'SIGKILL')
    await noneWaits()
    expect(await rig.run(['sh', '-c', 'exit 4'], { slot: 0 })).toMatchObject({ exitCode: 4 })
    expect(await rig.executor.sweep()).toBe(0)
  })

  test('none outlives its launcher, and one that is closed keeps none', async () => {
    const own = await createRig({ warm: { most: 2 } })
    const mine = (): number[] => waitersIn(own.runDir)
    await own.run(['true'], { slot: 0 })
    await until(() => mine().length > 0)
    const { pid } = await own.launcher.call({ op: 'hello' })
    process.kill(pid, 'SIGKILL')
    await until(() => mine().length === 0)
    const isAnother = async () => (await own.launcher.call({ op: 'hello' })).pid !== pid
    await until(() => isAnother().catch(() => false))
    await own.run(['true'], { slot: 0 })
    await until(() => mine().length > 0)
    await own.executor.close()
    expect(mine()).toEqual([])
    await own.close()
  })
})

test('the fingerprint of a view changes with what a sandbox would see', () => {
  const dir = mkdtempSync(join(tmpdir(), 'runyard-view-'))
  const [lib, file] = [join(dir, 'lib'), join(dir, 'file')]
  mkdirSync(lib)
  writeFileSync(file, 'one')
  const view: SystemView = { directories: [lib], files: [file], links: [{ path: '/lib64', target: 'usr/lib64' }] }
  const first = fingerprintOf(view)
  expect(fingerprintOf(view)).toBe(first)
  symlinkSync('nowhere', join(lib, 'inside'))
  expect(fingerprintOf(view)).toBe(first)
  writeFileSync(file, 'another')
  const second = fingerprintOf(view)
  expect(second).not.toBe(first)
  rmSync(lib, { recursive: true })
  const third = fingerprintOf(view)
  expect(third).not.toBe(second)
  expect(fingerprintOf({ ...view, links: [] })).not.toBe(third)
  rmSync(dir, { recursive: true })
})
