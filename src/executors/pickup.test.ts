/** Report files: picked up wherever the job may write, by nobody but the job, and without a difference to its end. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createReportFrames, type ReportFrame } from '../job/report-frames.ts'
import type { Ended } from './executor.ts'
import { createRig, type Rig } from './testing/rig.ts'
import { noPerl, noSandbox, notRoot } from './testing/needs.ts'
import { until } from './testing/until.ts'

const jobUid = 391_500

describe.skipIf(noSandbox || noPerl)('reports', () => {
  let rig: Rig
  let root: string
  let workdir: string
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'runyard-pickup-test-'))
    chmodSync(root, 0o755)
    workdir = join(root, 'project')
    mkdirSync(workdir)
    if (!notRoot) chownSync(workdir, jobUid, jobUid)
    rig = await createRig({ allowedWorkdirs: [workdir] })
  })
  afterAll(async () => {
    const left = rig?.leftovers()
    await rig?.close()
    rmSync(root, { recursive: true, force: true })
    expect(left).toEqual([])
  })

  /** Runs it and reads what was picked up, before it is released. */
  const pick = async (script: string, overrides: Parameters<Rig['start']>[1] = {}) => {
    const { attempt, stdout } = await rig.start(['sh', '-c', script], {
      ...overrides,
      spec: { junit: ['out/*.xml'], ...overrides.spec },
    })
    const ended = await attempt.ended
    const { path } = ended.report!
    const frames = path === null ? [] : createReportFrames()(readFileSync(path))
    const said = await stdout()
    await attempt.release()
    if (path !== null) expect(existsSync(path)).toBe(false)
    return { ended, frames, files: filesIn(frames), said }
  }
  const two = 'mkdir -p out; echo one >out/a.xml; echo two >out/b.xml; echo no >out/c.txt'
  const both = { 'out/a.xml': 'one\n', 'out/b.xml': 'two\n' }

  test('from the private work directory, which is gone afterwards', async () => {
    const { ended, files, frames, said } = await pick(`${two}; echo said; exit 3`)
    expect(files).toEqual(both)
    expect(frames.at(-1)).toEqual({ kind: 'over' })
    expect(ended).toMatchObject({ exitCode: 3, signal: null, remaining: 0 })
    expect(said).toBe('said\n')
  })

  test.skipIf(notRoot)('from an allowed working directory', async () => {
    const { files } = await pick(two, { spec: { working_dir: workdir } })
    expect(files).toEqual(both)
  })

  test('with isolation "none"', async () => {
    const { ended, files } = await pick(`${two}; kill -USR1 $$`, { spec: { isolation: 'none' } })
    expect(files).toEqual(both)
    expect(ended).toMatchObject({ exitCode: null, signal: 'SIGUSR1' })
  })

  test('absolute paths, ** and names that nothing has', async () => {
    const script = 'mkdir -p /tmp/x/y/z; echo 1 >/tmp/x/y/z/r.xml; echo 2 >/tmp/r.xml; ln -s /tmp/x /tmp/x/y/loop'
    const { files, frames } = await pick(script, { spec: { junit: ['/tmp/**/*.xml', 'nothing.xml'] } })
    expect(files).toEqual({ '/tmp/r.xml': '2\n', '/tmp/x/y/z/r.xml': '1\n' })
    expect(frames).toContainEqual({ kind: 'missing', text: 'nothing.xml' })
  })

  test('a link leads only where the job itself could go, and a pipe or a directory is no report', async () => {
    writeFileSync(join(root, 'secret'), 'of this host', { mode: 0o600 })
    const script = `mkdir out; ln -s ${join(root, 'secret')} out/a.xml; ln -s /etc/shadow out/b.xml
      mkfifo out/c.xml; mkdir out/d.xml; echo good >out/e.xml`
    const { files, frames } = await pick(script)
    expect(files).toEqual({ 'out/e.xml': 'good\n' })
    expect(frames).toContainEqual({ kind: 'broken', text: 'it is not a file' })
  })

  test('the command sees nothing of it', async () => {
    const plain = await rig.run(
      ['sh', '-c', 'env | sort; ls /proc/self/fd | wc -l; pwd; cat /proc/self/status | grep -i sig'],
      {
        env: { A: '1', PERL5OPT: '-Mnone', LC_ALL: 'xx_XX' },
      },
    )
    const { said } = await pick('env | sort; ls /proc/self/fd | wc -l; pwd; cat /proc/self/status | grep -i sig', {
      env: { A: '1', PERL5OPT: '-Mnone', LC_ALL: 'xx_XX' },
    })
    expect(said).toBe(plain.stdout)
    expect(plain.stderr).toBe('')
  })

  test.each([
    ['exit 255', 255, null],
    ['kill -KILL $$', 137, 'SIGKILL'],
    ['kill -TERM 0', 143, 'SIGTERM'],
    ['kill -SEGV $$', 139, 'SIGSEGV'],
  ])('ends as without it: %s', async (script, exitCode, signal) => {
    expect((await pick(script)).ended).toMatchObject({ exitCode, signal })
    expect(await rig.run(['sh', '-c', script])).toMatchObject({ exitCode, signal })
  })

  test.each(['full', 'none'] as const)('a command that is not there, isolation %s', async (isolation) => {
    const { attempt } = await rig.start(['no-such-thing'], { spec: { isolation, junit: ['a.xml'] } })
    await expect(attempt.ended).rejects.toThrow('command not found: no-such-thing')
    await attempt.release()
  })

  test.each(['full', 'none'] as const)(
    'a stop reaches the command at once, and its report still comes: %s',
    async (isolation) => {
      const script = 'mkdir out; trap "echo stopped >out/a.xml; exit 7" TERM; echo ready; while :; do sleep 0.05; done'
      const { attempt, stdout } = await rig.start(['sh', '-c', script], { spec: { isolation, junit: ['out/a.xml'] } })
      await until(async () => (await stdout()) === 'ready\n')
      const before = performance.now()
      await attempt.stop('cancelled', 5000)
      const ended: Ended = await attempt.ended
      expect(performance.now() - before).toBeLessThan(2500)
      expect(ended).toMatchObject({ exitCode: 7, reason: 'cancelled' })
      expect(filesIn(createReportFrames()(readFileSync(ended.report!.path!)))).toEqual({ 'out/a.xml': 'stopped\n' })
      await attempt.release()
    },
  )

  test('8 MiB and not more', async () => {
    const { files, frames } = await pick('mkdir out; for n in a b; do head -c 5m /dev/zero >out/$n.xml; done')
    expect(files['out/a.xml']).toHaveLength(5 * 1024 * 1024)
    expect(frames).toContainEqual({ kind: 'cut' })
  })

  test('a job that writes into the pipe itself fills no disk', async () => {
    const find = 'for f in /proc/[0-9]*/fd/*; do case $(readlink $f) in *.report) p=$f;; esac; done'
    const { attempt } = await rig.start(['sh', '-c', `${find}; head -c 40m /dev/zero >"$p"`], {
      spec: { junit: ['out/*.xml'] },
    })
    const { report } = await attempt.ended
    expect(report!.trouble).toMatch(/more was written/)
    expect(statSync(report!.path!).size).toBeLessThan(10 * 1024 * 1024)
    expect(() => createReportFrames()(readFileSync(report!.path!))).toThrow('holds what is no report')
    await attempt.release()
  })

  test('what runs on in the background does not hold up the end', async () => {
    const before = performance.now()
    const { ended, files } = await pick(`${two}; (trap "" TERM; while :; do sleep 1; done) &`)
    expect(files).toEqual(both)
    expect(ended.exitCode).toBe(0)
    expect(performance.now() - before).toBeLessThan(3000)
  })

  test('a job without reports pays nothing', async () => {
    expect((await rig.run(['true'])).report).toBeUndefined()
  })
})

function filesIn(frames: ReportFrame[]): Record<string, string> {
  const files: Record<string, string> = {}
  let name: string | null = null
  let text = ''
  for (const frame of frames) {
    if (frame.kind === 'file') [name, text] = [frame.text, '']
    else if (frame.kind === 'data') text += frame.bytes.toString()
    else if (frame.kind === 'end' && name !== null) files[name] = text
  }
  return files
}
