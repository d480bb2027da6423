/** What becomes of jobs when their program ends, in whatever way; each program here is a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { removeCgroup } from '../executors/cgroup/remove.ts'
import { closedCheckout, noSandbox, notRoot } from '../executors/testing/needs.ts'
import { cgroupsOf, processesWith } from '../executors/testing/rig.ts'
import { until } from '../executors/testing/until.ts'

let dir: string
const programs: ChildProcess[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runyard-library-'))
  // As root, jobs without isolation are other users and have their home in it.
  chmodSync(dir, 0o755)
})
afterEach(async () => {
  for (const program of programs.splice(0)) program.kill('SIGKILL')
  await until(() => processesWith(`${dir}/`).length === 0)
  rmSync(dir, { recursive: true, force: true })
})

const index = new URL('./index.ts', import.meta.url).href
interface Ran {
  code: number | null
  stdout: string
  stderr: string
}
interface Surroundings {
  path?: string
  /** Programs before `node`. */
  as?: string[]
}

function program(text: string, { path = process.env.PATH, as = [] }: Surroundings = {}) {
  const source = `import { startJob } from '${index}'\n${text}`
  const [file, ...args] = [...as, process.execPath, '--no-warnings', '--input-type=module', '-e', source]
  const child = spawn(file!, args, { env: { PATH: path, TMPDIR: dir }, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
  programs.push(child)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()))
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()))
  const ended: Promise<Ran> = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }))
  return { child, ended, said: (words: string) => until(() => stdout.includes(words)) }
}

const alive = (seconds: number): boolean => processesWith(`sleep\0${seconds}\0`).length > 0
/** The one directory that the program made. */
const runDir = (): string => join(dir, readdirSync(dir)[0]!)

describe.skipIf(noSandbox)('a program', () => {
  test('that is killed leaves nothing: no process, no cgroup, no file', async () => {
    const { child, said } = program(`
      await startJob('sh', '-c', 'trap "" TERM; (setsid sleep 951 &); echo there; sleep 952')
      await startJob('sh', '-c', '(setsid sleep 953 &); sleep 953', { isolation: 'none' })
      const job = await startJob('sh', '-c', 'head -c 100000 /dev/zero; sleep 954')
      await job.newLogReader().chunks().next()
      await new Promise((done) => setTimeout(done, 50))
      console.log('running')
      await job.result`)
    await said('running')
    await until(() => [951, 952, 953, 954].every(alive))
    const path = runDir()
    child.kill('SIGKILL')
    await until(() => ![951, 952, 953, 954].some(alive), 5000)
    await until(() => readdirSync(dir).length === 0 && processesWith(`${path}/`).length === 0)
    expect(cgroupsOf(path)).toEqual([])
  })

  test('that is killed together with its launcher leaves no process', async () => {
    const { child, said } = program(`
      const job = await startJob('sh', '-c', 'setsid sleep 955 & sleep 956')
      console.log('running')
      await job.result`)
    await said('running')
    await until(() => [955, 956].every(alive))
    for (const pid of processesWith(`${runDir()}/launcher.sock\0`)) process.kill(pid, 'SIGKILL')
    child.kill('SIGKILL')
    await until(() => ![955, 956].some(alive), 5000)
    // Nobody is left who could.
    for (const path of new Set(cgroupsOf(runDir()).map(dirname))) await removeCgroup(path)
  })

  test('that forgets a job keeps its output no longer', async () => {
    const { ended } = program(`
      import { readdirSync } from 'node:fs'
      import { setFlagsFromString } from 'node:v8'
      import { runInNewContext } from 'node:vm'
      setFlagsFromString('--expose-gc')
      const gc = runInNewContext('gc')
      const files = () => readdirSync('${dir}', { recursive: true }).filter((name) => /attempts.*[.]log$/.test(name)).length
      const remembered = await startJob('head', '-c', '300000', '/dev/zero')
      await remembered.result
      await (async () => (await startJob('head', '-c', '300000', '/dev/zero')).result)()
      console.log(files())
      for (let tries = 0; tries < 100 && files() > 1; tries++) {
        await new Promise((done) => setTimeout(done, 20))
        gc()
      }
      let kept = 0
      for await (const { bytes } of remembered.newLogReader().chunks()) kept += bytes.length
      console.log(files(), kept)`)
    expect(await ended).toMatchObject({ code: 0, stdout: '2\n1 300000\n' })
  })

  test('ends by itself when nobody waits, and its jobs with it', async () => {
    const { ended } = program(`
      const job = await startJob('sleep', '957')
      console.log(job.getStatus())`)
    expect(await ended).toEqual({ code: 0, stdout: 'running\n', stderr: '' })
    await until(() => !alive(957), 5000)
    await until(() => readdirSync(dir).length === 0)
  })

  test('stays as long as it waits for a result or a line', async () => {
    const { ended } = program(`
      const job = await startJob('sh', '-c', 'sleep 0.3; echo line; sleep 0.3; exit 4')
      console.log((await job.newLogReader().nextLine()).text)
      console.log((await job.result).exitCode)`)
    expect(await ended).toEqual({ code: 0, stdout: 'line\n4\n', stderr: '' })
  })

  test('is told of a launcher that was killed, and gets another', async () => {
    const { ended, said } = program(`
      const job = await startJob('sleep', '958')
      console.log('running')
      const { state, status } = await job.result
      console.log(state, status, (await (await startJob('true')).result).status)`)
    await said('running')
    for (const pid of processesWith(`${runDir()}/launcher.sock\0`)) process.kill(pid, 'SIGKILL')
    expect(await ended).toMatchObject({ code: 0, stdout: 'running\nlost failed completed\n' })
    expect(alive(958)).toBe(false)
  })

  test('without bubblewrap is told what to type', async () => {
    const { ended } = program(`await startJob('true').catch((error) => console.log(error.code, error.message))`, {
      path: '/nonexistent',
    })
    expect((await ended).stdout).toBe(
      'failed_precondition bubblewrap is missing, and without it nothing is isolated: ' +
        '`sudo npx runyard setup --yes` installs it\n',
    )
    expect(readdirSync(dir)).toEqual([])
  })

  test.skipIf(notRoot || closedCheckout)(
    'of an ordinary user runs jobs, and a limit that cannot be held refuses',
    async () => {
      const uid = 391_778
      chownSync(dir, uid, uid)
      const as = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--inh-caps=-all']
      const { ended } = program(
        `
      const job = await startJob('sh', '-c', 'echo $(id -un) in $(pwd)', { limits: { pids: 50 } })
      console.log((await job.newLogReader().nextLine()).text, (await job.result).status)
      await startJob('true', { limits: { cpu: 0.5 } }).then(
        (job) => console.log('held', job.unenforced.includes('cpu')),
        (error) => console.log(error.code, error.message.includes('setup --yes')))`,
        { as },
      )
      const { stdout } = await ended
      expect(stdout).toMatch(/^job in \/job completed\n(failed_precondition true|held false)\n$/)
      await until(() => readdirSync(dir).length === 0)
    },
  )
})
