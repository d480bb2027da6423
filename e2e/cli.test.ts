/** The command line on a machine where nothing runs: `run` brings its own server and leaves nothing behind. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import type { Job } from '../src/api/contract/index.ts'
import { exited, startSystem, until, type System } from './system.ts'

const bin = fileURLToPath(new URL('../bin/runyard.js', import.meta.url))
let system: System | undefined

afterEach(async () => {
  await system?.cli(['down'])
  await system?.stop()
  system = undefined
})

const quiet = async (settings: Record<string, string> = {}): Promise<System> =>
  (system = await startSystem({ RUNYARD_RUNNER_SLOTS: '4', ...settings }, { up: false }))

/** Every process of this system carries its data directory in its environment or its arguments. */
function processesOf({ dataDir }: System): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const told = readFileSync(`/proc/${pid}/cmdline`, 'utf8') + readFileSync(`/proc/${pid}/environ`, 'utf8')
        return told.includes(dataDir) ? [`${pid} ${told.split('\0').slice(0, 4).join(' ')}`] : []
      } catch {
        return []
      }
    })
}

function follow(args: string[], by: System, node = process.execPath) {
  const child = spawn(node, [bin, ...args], { env: by.env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()))
  const heard = (text: string): Promise<unknown> =>
    until(`"${text}" in ${args.join(' ')}`, async () => said.out.includes(text), 60_000)
  return { child, said, heard, code: () => exited(child) }
}

test('run shows only the job, exits with its code, stops what it started; the data stays', async () => {
  const s = await quiet()
  const hello = await s.cli(['run', '--', 'bash', '-c', 'echo out; echo err >&2; exit 7'])
  expect(hello).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' })
  expect(processesOf(s)).toEqual([])

  const listed = JSON.parse((await s.cli(['ls', '--json'])).stdout) as Job[]
  expect(listed).toMatchObject([{ state: 'failed', result: { exit_code: 7 } }])
  const id = listed[0]!.id
  expect(await s.cli(['log', id])).toEqual({ code: 0, stdout: 'out\n', stderr: 'err\n' })
  expect((await s.cli(['status', id])).stdout).toBe('failed\n')
  const unknown = await s.cli(['status', 'zzzzzzzzzzzz'])
  expect([unknown.code, unknown.stdout, unknown.stderr.split('\n').length]).toEqual([1, '', 2])
  expect(processesOf(s)).toEqual([])
})

test('without bubblewrap run refuses before anything is started, and says how to get it', async () => {
  const s = await quiet({ PATH: '/nowhere' })
  const refused = await s.cli(['run', '--', 'true'])
  expect(refused).toMatchObject({ code: 125, stdout: '', stderr: expect.stringContaining('npx runyard setup') })
  expect(processesOf(s)).toEqual([])
})

test('a runner that does not start ends run with the reason instead of waiting for ever', async () => {
  const s = await quiet()
  await mkdir(`${s.dataDir}/runner`, { mode: 0o700 })
  await writeFile(`${s.dataDir}/runner/attempts`, 'not a folder')
  const hopeless = await s.cli(['run', '--', 'true'])
  expect(hopeless).toMatchObject({ code: 125, stdout: '', stderr: expect.stringContaining('runner does not start') })
  expect(processesOf(s)).toEqual([])
})

test('codes: timeout 124, signal 128+n, wrong usage and refusal 125; bytes pass unchanged', async () => {
  const s = await quiet()
  const holder = follow(['run', '--', 'bash', '-c', 'echo up; sleep 100'], s)
  await holder.heard('up')
  const run = (...args: string[]) => s.cli(['run', ...args])
  expect((await run('--timeout', '500ms', '--stop-grace', '1s', '--', 'sleep', '60')).code).toBe(124)
  expect((await run('--', 'bash', '-c', 'kill -SEGV $$')).code).toBe(139)
  expect(await run('--network', 'host', '--', 'true')).toMatchObject({
    code: 125,
    stdout: '',
    stderr: expect.stringContaining('network'),
  })
  expect((await run('--memory', '1000t', 'true')).code).toBe(125)
  const loud = spawn(
    process.execPath,
    [bin, 'run', '--', 'bash', '-c', 'head -c 3000000 /dev/urandom | tee /dev/stderr'],
    {
      env: s.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  loud.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  loud.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  await new Promise((resolve) => loud.once('close', resolve))
  expect(Buffer.concat(out).length).toBe(3_000_000)
  expect(Buffer.concat(out).equals(Buffer.concat(err))).toBe(true)

  // A reader that goes away ends the job, without a word.
  const piped = spawn('bash', ['-c', `set -o pipefail; "$0" "$1" run -- yes | head -1`, process.execPath, bin], {
    env: s.env,
  })
  let errors = ''
  piped.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  expect(await exited(piped)).toBe(141)
  expect(errors).toBe('')

  holder.child.kill('SIGINT')
  expect(await holder.code()).toBe(130)
  expect(processesOf(s)).toEqual([])
})

test('the first Ctrl-C asks the job to end and waits, the second kills it; so does stop --force', async () => {
  const s = await quiet()
  const deaf = ['run', '--stop-grace', '600s', '--', 'bash', '-c', 'trap "" TERM; echo up; sleep 1000; sleep 1000']
  const runs = [follow(deaf, s), follow(deaf, s)]
  await Promise.all(runs.map(({ heard }) => heard('up')))
  const jobs = async (): Promise<Job[]> => JSON.parse((await s.cli(['ls', '--json'])).stdout) as Job[]
  const asked = (): Promise<unknown> =>
    until('the cancel', async () => (await jobs()).some((job) => job.cancel_requested))

  runs[0]!.child.kill('SIGINT')
  await asked()
  expect(runs[0]!.child.exitCode).toBe(null)
  const second = performance.now()
  runs[0]!.child.kill('SIGINT')
  expect(await runs[0]!.code()).toBe(130)
  expect(performance.now() - second).toBeLessThan(8_000)

  const [killed, other] = (await jobs()).toSorted((a, b) => Number(a.ended_at === null) - Number(b.ended_at === null))
  expect(killed).toMatchObject({ state: 'cancelled', result: { signal: 'SIGKILL', remaining_processes: 0 } })
  expect(other).toMatchObject({ state: 'running' })
  expect(await s.cli(['stop', '--force', other!.id])).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(await runs[1]!.code()).toBe(143)
  expect(processesOf(s)).toEqual([])
})

test('concurrent runs share one server; kill -9 of a client ends its job, the last one out ends the server', async () => {
  const s = await quiet()
  const runs = ['a', 'b'].map((word) => follow(['run', '--', 'bash', '-c', `echo ${word}; sleep 1000`], s))
  await Promise.all(runs.map(({ heard }, i) => heard('ab'[i]!)))
  const servers = processesOf(s).filter((line) => line.includes('--ephemeral'))
  expect(new Set(servers.map((line) => line.split(' ')[0])).size).toBe(1)

  runs[0]!.child.kill('SIGKILL')
  await until(
    'the end of the job of the killed client',
    async () => {
      const jobs = JSON.parse((await s.cli(['ls', '--json', '--state', 'running'])).stdout) as Job[]
      return jobs.length === 1
    },
    30_000,
  )
  expect(runs[1]!.child.exitCode).toBe(null)
  runs[1]!.child.kill('SIGKILL')
  await until('the end of everything', async () => processesOf(s).length === 0, 40_000)

  const jobs = JSON.parse((await s.cli(['ls', '--json'])).stdout) as Job[]
  expect(jobs.map(({ state, result }) => [state, result?.remaining_processes])).toEqual([
    ['cancelled', 0],
    ['cancelled', 0],
  ])
})

test('run says within seconds that its server was killed, and with which words to go on', async () => {
  // Its runner has a job that does not end; nobody here waits for the usual 25 s.
  const s = await quiet({
    RUNYARD_DRAIN_SECONDS: '1',
    RUNYARD_LEASE_SECONDS: '6',
    RUNYARD_GRACE_SECONDS: '6',
    RUNYARD_HEARTBEAT_SECONDS: '2',
  })
  const run = follow(['run', '--', 'bash', '-c', 'echo up; sleep 1000'], s)
  await run.heard('up')
  const { pid } = JSON.parse(readFileSync(`${s.dataDir}/instance.json`, 'utf8')) as { pid: number }
  const killedAt = performance.now()
  process.kill(pid, 'SIGKILL')
  expect(await run.code()).toBe(125)
  expect(performance.now() - killedAt).toBeLessThan(10_000)
  expect(run.said.err).toMatch(/^runyard: the server ended; job (\w{12}) may still be running: runyard log -f \1\n$/)
})

test('of what was cut off nothing is written where the job’s bytes go; -v and --json tell it', async () => {
  const s = await quiet()
  await s.start()
  const cut = ['run', '--output', '10', '--', 'bash', '-c', 'echo 0123456789abcdef']
  expect(await s.cli(cut)).toEqual({ code: 0, stdout: '0123456789', stderr: '' })
  const { id } = (JSON.parse((await s.cli(['ls', '--json'])).stdout) as Job[])[0]!
  expect(await s.cli(['log', id])).toEqual({ code: 0, stdout: '0123456789', stderr: '' })
  expect((await s.cli(['log', '-v', id])).stderr).toContain('output limit reached; 7 bytes were discarded')
  const lines = (await s.cli(['log', '--json', id])).stdout.trim().split('\n')
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { type: 'log', text: '0123456789' },
    { type: 'mark', kind: 'truncated', bytes: 7 },
  ])
  expect(await s.cli(['log', '--offset', '999', id])).toEqual({ code: 0, stdout: '', stderr: '' })
  expect((await s.cli(['run', '--memory', '1m', 'true'])).stderr).toBe('runyard: --memory: at least 4 MiB\n')
  const waits = await s.cli(['run', '-v', '--delay', '3s', 'true'])
  expect(waits).toMatchObject({ code: 0, stderr: expect.stringContaining('runyard: waiting: not before') })
})

test('start leaves a server in the background, says so, and down ends it', async () => {
  const s = await quiet()
  const started = await s.cli(['start', 'echo', 'Hello World'])
  expect(started.stdout).toMatch(/^Started job with ID: [0-9a-z]{12}\n$/)
  expect(started.stderr).toContain('`runyard down` stops it')
  const id = started.stdout.trim().split(' ').at(-1)!
  expect(await s.cli(['log', '-f', id])).toEqual({ code: 0, stdout: 'Hello World\n', stderr: '' })
  expect((await s.cli(['status', id])).stdout).toBe('completed\n')

  const slow = await s.cli(['start', '-n', 'slow', '--', 'bash', '-c', 'echo begun; sleep 1000'])
  expect(slow.stderr).toBe('')
  const slowId = slow.stdout.trim().split(' ').at(-1)!
  const follower = follow(['log', '-f', slowId], s)
  await follower.heard('begun')
  expect((await s.cli(['ls', '--state', 'running'])).stdout).toContain('slow')
  expect(await s.cli(['stop', slowId])).toEqual({ code: 0, stdout: '', stderr: '' })
  expect(await follower.code()).toBe(0)
  expect((await s.cli(['status', slowId])).stdout).toBe('terminated\n')
  const again = await s.cli(['stop', slowId])
  expect(again.code).toBe(1)
  expect((await s.cli(['stop', '--json', 'zzzzzzzzzzzz'])).stdout).toContain('"not found"')

  const rerun = await s.cli(['rerun', '--json', id])
  expect(JSON.parse(rerun.stdout)).toMatchObject({ rerun_of: id, command: ['echo', 'Hello World'] })
  expect((await s.cli(['down'])).stdout).toContain('Stopped')
  expect(processesOf(s)).toEqual([])
})

test('people and tokens: add, list, sign in from elsewhere, revoke, change a password', async () => {
  const s = await quiet()
  await s.start()
  const added = JSON.parse((await s.cli(['user', 'add', 'ann', '--generate', '--json'])).stdout) as { password: string }
  expect((await s.cli(['user', 'ls'])).stdout).toMatch(/ann +operator/)
  const elsewhere: NodeJS.ProcessEnv = {
    ...s.env,
    HOME: `${s.dataDir}/ann`,
    RUNYARD_DATA_DIR: `${s.dataDir}/ann/data`,
    PW: added.password,
  }
  const ann = async (line: string) => {
    const child = spawn('bash', ['-c', line.replaceAll('runyard', `"${process.execPath}" "${bin}"`)], {
      env: elsewhere,
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    const code = await new Promise((resolve) => child.once('close', resolve))
    return { code, out, err }
  }
  expect(await ann(`printf %s "$PW" | runyard login ${s.url} -u ann --password-stdin`)).toMatchObject({
    code: 0,
    err: '',
  })
  expect(await ann('runyard run -- echo from afar')).toEqual({ code: 0, out: 'from afar\n', err: '' })
  const token = (await ann('runyard token create ci')).out.trim()
  expect(token).toMatch(/^ry_/)
  expect((await ann('runyard token ls')).out).toContain('ci')
  expect((await ann('runyard user ls')).code).toBe(1)
  expect((await ann('runyard logout')).out).toContain('Signed out')
  expect((await ann(`runyard ls --server ${s.url}`)).err).toContain('runyard login')

  expect((await s.cli(['user', 'passwd', 'ann', '--generate'])).code).toBe(0)
  const stale = await fetch(`${s.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })
  expect(stale.status).toBe(401)
  // Also of the first administrator, whose token the command line itself uses.
  expect((await s.cli(['user', 'passwd', 'admin', '--generate'])).code).toBe(0)
  expect((await s.cli(['ls'])).code).toBe(0)
})

test('up shows the first login once; a second one on the same data is refused; a killed one is taken over', async () => {
  const s = await quiet({ RUNYARD_ADMIN_PASSWORD: '' })
  expect((await s.cli(['run', '--', 'true'])).code).toBe(0)
  const first = follow(['up'], s)
  await first.heard('First login, shown this once: admin / ')
  const second = await s.cli(['up', '--port', '0'])
  expect([second.code, second.stderr]).toEqual([75, expect.stringContaining('is using the data directory')])
  const job = (await s.cli(['start', '--', 'bash', '-c', 'echo here; sleep 6; echo there'])).stdout
    .trim()
    .split(' ')
    .at(-1)!
  await until('the job to run', async () => (await s.cli(['log', job])).stdout === 'here\n')

  const follower = follow(['log', '-f', job], s)
  await follower.heard('here')
  first.child.kill('SIGKILL')
  await first.code()
  const third = follow(['up'], s)
  await third.heard('Sign in as admin')
  // It came back by itself at the byte where the link broke.
  expect(await follower.code()).toBe(0)
  expect(follower.said.out).toBe('here\nthere\n')
  expect((await s.cli(['status', job])).stdout).toBe('completed\n')
  third.child.kill('SIGTERM')
  expect(await third.code()).toBe(0)
  expect(processesOf(s)).toEqual([])
})

test('queues are set piece by piece, an ended job can be deleted, and nothing is left where the sockets were', async () => {
  const runDir = join(tmpdir(), `ry-e2e-run-${process.pid}`)
  const s = await quiet({ RUNYARD_RUN_DIR: runDir })
  const deaf = ['run', '--stop-grace', '600s', '--', 'bash', '-c', 'trap "" TERM; echo up; sleep 1000; sleep 1000']
  const run = follow(deaf, s)
  await run.heard('up')
  expect((await s.cli(['queue', 'set', 'slow', '--concurrency', '2', '--rate', '10/1m'])).code).toBe(0)
  expect((await s.cli(['queue', 'set', 'slow', '--pause'])).stdout).toBe(
    'slow: concurrency 2, rate 10/1m, keeps 30 days, 100000 jobs, paused\n',
  )
  expect((await s.cli(['queue', 'ls'])).stdout).toMatch(
    /^slow +2 +10\/1m +0 +0 +0 +0 B +30 days, 100000 jobs +paused$/m,
  )

  const killed = performance.now()
  run.child.kill('SIGKILL')
  await until('the end of everything', async () => processesOf(s).length === 0, 40_000)
  // Five seconds of the ten minutes, then SIGKILL: nobody was left to wait.
  expect(performance.now() - killed).toBeLessThan(14_000)
  expect(existsSync(runDir)).toBe(false)

  const [job] = JSON.parse((await s.cli(['ls', '--json'])).stdout) as Job[]
  expect(job).toMatchObject({ state: 'cancelled', result: { signal: 'SIGKILL', remaining_processes: 0 } })
  expect((await s.cli(['rm', job!.id])).code).toBe(2)
  expect(await s.cli(['rm', job!.id, '--yes'])).toEqual({ code: 0, stdout: '', stderr: '' })
  expect((await s.cli(['status', job!.id])).code).toBe(1)
  await until('the directory to go', async () => !existsSync(runDir))
})
