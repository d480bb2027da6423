import { createServer } from 'node:net'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executorConformance, unisolated } from './conformance.ts'
import { allPids, commandLineOf } from './processes.ts'
import { textOf } from './testing/read-log.ts'
import { createRig, processesWith, type Rig } from './testing/rig.ts'
import { until } from './testing/until.ts'
import { noPerl, noSandbox, notRoot } from './testing/needs.ts'

executorConformance('the sandbox', () => createRig(), noSandbox)
executorConformance('isolation "none"', async () => unisolated(await createRig()))

const MiB = 1024 * 1024
let root: string
let workdir: string

describe.skipIf(noSandbox)('sandbox', () => {
  let rig: Rig
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'runyard-sandbox-test-'))
    workdir = join(root, 'project')
    chmodSync(root, 0o755)
    mkdirSync(workdir)
    rig = await createRig({ allowedWorkdirs: [workdir], allowedReadOnlyBinds: [root] })
  })
  afterAll(async () => {
    const left = rig?.leftovers()
    await rig?.close()
    rmSync(root, { recursive: true, force: true })
    expect(left).toEqual([])
  })
  const sh = (script: string, overrides?: Parameters<Rig['run']>[1]) => rig.run(['sh', '-c', script], overrides)

  test('the job is somebody, somewhere, with a sane environment', async () => {
    const { stdout } = await sh(
      'echo hello from $(hostname); whoami; id -u; pwd; echo $HOME $TMPDIR $LANG; touch /job/a /tmp/b',
    )
    expect(stdout).toBe('hello from job\njob\n1000\n/job\n/job /tmp C.UTF-8\n')
  })

  test('nothing of this host is to be seen', async () => {
    const { stdout, stderr } = await sh(
      'cat /etc/shadow; ls /root /home /sys /work; touch /usr/x /etc/x /dev/x /x; ls /proc | grep -c "^[0-9]"',
    )
    expect(stdout.trim()).toMatch(/^[1-6]$/) // init, sh, ls and grep; nobody else
    for (const path of ['/etc/shadow', '/root', '/home', '/sys'])
      expect(stderr).toMatch(new RegExp(`${path}.*No such file`))
    expect(stderr.match(/Read-only file system/g)).toHaveLength(4)
  })

  test('environment and secrets arrive and are in no command line of this host', async () => {
    const { attempt, stdout } = await rig.start(['sh', '-c', 'echo "$A:${#S}:$S"; sleep 30'], {
      env: { A: 'one' },
      secretEnv: { S: 'canary-5f1c' },
    })
    await until(async () => (await stdout()).includes('\n'))
    expect(await stdout()).toBe('one:11:***\n')
    for (const pid of allPids()) {
      expect(commandLineOf(pid)).not.toContain('canary-5f1c')
    }
    await attempt.release()
  })

  test.each([
    [['no-such-program'], 'command not found: no-such-program is not in the PATH'],
    [['./missing.sh'], 'command not found: ./missing.sh does not exist'],
    [['/etc/passwd'], 'not executable: /etc/passwd'],
    [['/tmp'], 'not executable: /tmp'],
  ])('%j never starts, and the job is not blamed with our words', async (command, message) => {
    for (const isolation of ['full', 'none'] as const) {
      const { attempt } = await rig.start(command, { spec: { isolation } })
      await expect(attempt.ended).rejects.toMatchObject({
        errorClass: 'start',
        message: expect.stringContaining(message) as string,
      })
      expect(attempt.log.length()).toBe(0)
      await attempt.release()
    }
    expect(rig.leftovers()).toEqual([])
  })

  test('a command that only says what ours would say is believed to be itself', async () => {
    const ran = await sh('echo "bwrap: execvp x: No such file or directory" >&2; exit 127')
    expect(ran).toMatchObject({ exitCode: 127, stderr: 'bwrap: execvp x: No such file or directory\n' })
  })

  test('nor are its words held back while it runs', async () => {
    const { attempt } = await rig.start(['sh', '-c', 'printf "bwrap: your name? " >&2; sleep 30'])
    await until(async () => (await textOf(attempt.log, 'stderr')) === 'bwrap: your name? ', 5000)
    await attempt.release()
  })

  test('signals, and codes that look like them', async () => {
    expect(await sh('kill -TERM $$')).toMatchObject({ exitCode: 143, signal: 'SIGTERM' })
    expect(await sh('exit 255')).toMatchObject({ exitCode: 255, signal: null })
  })

  test('a 1 MiB argument list and bytes of every kind pass', async () => {
    const big = Array.from({ length: 10 }, () => 'x'.repeat(100_000))
    expect((await rig.run(['sh', '-c', 'echo $#', ...big])).stdout).toBe('9\n')
    const { stdout } = await sh(String.raw`printf '\000\377\303(\n'`)
    expect(stdout).toBe('\0\xff\xc3(\n')
  })

  test('only 0, 1 and 2 are open, and /dev/stdout can be opened again', async () => {
    const { stdout, stderr } = await rig.run([
      'bash',
      '-c',
      'for n in {0..9} {11..40}; do { true >&$n; } 2>/dev/null && echo -n "$n "; done; echo again > /dev/stdout; echo e > /dev/stderr',
    ])
    expect(stdout).toBe('0 1 2 again\n')
    expect(stderr).toBe('e\n')
  })

  test('a port of this host is reached only with network "host"', async () => {
    const server = createServer((socket) => socket.end('here\n'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const command = ['bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3`]
    expect(await rig.run(command)).toMatchObject({ exitCode: 1, stdout: '' })
    expect(await rig.run(command, { spec: { network: 'host' } })).toMatchObject({ exitCode: 0, stdout: 'here\n' })
    expect((await rig.run(['bash', '-c', 'exec 3<>/dev/udp/127.0.0.1/9 && echo lo is up'])).stdout).toBe('lo is up\n')
    server.close()
  })

  test.skipIf(noPerl || process.arch !== 'x64')('system calls that break out are refused', async () => {
    const calls = {
      mount: '165, 0, 0, 0, 0, 0',
      unshare: '272, 0x10000000',
      clone_newuser: '56, 0x10000011, 0, 0, 0, 0',
      setns: '308, 0, 0',
      ptrace: '101, 0, 0, 0, 0',
      bpf: '321, 0, 0, 0',
      keyctl: '250, 0, -3, 0',
      io_uring_setup: '425, 1, 0',
      perf_event_open: '298, 0, 0, 0, 0, 0',
      userfaultfd: '323, 0',
      tiocsti: '16, 0, 0x5412, 0',
    }
    const script = Object.entries(calls).map(([name, args]) => `syscall(${args}); print "${name} ", $!+0, "\\n"; $!=0;`)
    const { stdout } = await rig.run(['perl', '-e', script.join(' ')])
    expect(
      Object.fromEntries(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.split(' ')),
      ),
    ).toEqual(Object.fromEntries(Object.keys(calls).map((name) => [name, '1'])))
    const sockets = await rig.run([
      'perl',
      '-e',
      'for (40, 17, 44, 1, 2) { $!=0; syscall(41, $_, 2, 0); print $!+0, " " } syscall(435, 0, 0); print $!+0',
    ])
    expect(sockets.stdout).toBe('97 97 97 0 0 38')
  })

  test('the private disk is as large as its limit', async () => {
    const ran = await sh(
      'head -c 40000000 /dev/zero > /tmp/a; head -c 40000000 /dev/zero > /job/b; head -c 40000000 /dev/zero > /dev/shm/c; wc -c < /tmp/a; wc -c < /job/b; wc -c < /dev/shm/c',
    )
    expect(ran.stdout.trim().split('\n').map(Number)).toEqual([16 * MiB, 16 * MiB, 16 * MiB])
    expect(ran.stderr).toContain('No space left on device')
  })

  test('what the command leaves in the background ends with it, its pipe too', async () => {
    const ran = await sh('(setsid sleep 987 &); (sh -c "(sleep 987 &)" &); echo done')
    expect(ran).toMatchObject({ exitCode: 0, stdout: 'done\n', remaining: 0 })
    expect(processesWith('sleep\x00987')).toEqual([])
  })

  test.each([
    ['ignores SIGTERM', 'trap "" TERM; echo up; while :; do sleep 0.05; done'],
    [
      'double-forks and starts sessions',
      '(setsid sh -c "trap \\"\\" TERM; (sleep 986 &); sleep 986" &); trap "" TERM; echo up; sleep 986 & wait; sleep 986',
    ],
    ['stops itself', 'trap "" TERM; echo up; kill -STOP $$; sleep 986'],
    ['forks without end', 'trap "" TERM; b() { b | b & }; (b) & echo up; exec sleep 986'],
  ])('a job that %s is dead after the grace, all of it', async (_name, script) => {
    const { attempt, stdout } = await rig.start(['sh', '-c', script], { limits: { pids: 40 } })
    await until(async () => (await stdout()).includes('up'))
    const before = performance.now()
    await attempt.stop('cancelled', 200)
    expect(performance.now() - before).toBeLessThan(4000)
    expect(await attempt.ended).toMatchObject({ signal: 'SIGKILL', remaining: 0 })
    await attempt.release()
    expect(processesWith('sleep\x00986')).toEqual([])
  })

  test('SIGTERM reaches the command itself', async () => {
    const { attempt, stdout } = await rig.start([
      'sh',
      '-c',
      'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done',
    ])
    await until(async () => (await stdout()).includes('up'))
    await attempt.stop('cancelled', 5000)
    expect(await attempt.ended).toMatchObject({ exitCode: 3, reason: 'cancelled' })
    expect(await stdout()).toBe('up\nbye\n')
    await attempt.release()
  })

  test('endless output nobody reads does not stop a stop', async () => {
    const order = rig.order(['yes'])
    const attempt = await rig.executor.start(order)
    await attempt.stop('cancelled', 0)
    expect(await attempt.ended).toMatchObject({ remaining: 0 })
    await attempt.release()
  })

  test('killed at any moment of its start, nothing of it lives on', async () => {
    for (let i = 0; i < 20; i++) {
      const order = rig.order(['sleep', '985'])
      const starting = rig.executor.start(order)
      const kill = new Promise((resolve) => setTimeout(resolve, i * 2)).then(() => rig.launcher.extend([order.key], 0))
      const [attempt] = await Promise.all([starting.catch(() => null), kill])
      await rig.launcher.extend([order.key], 0)
      await attempt?.ended
      await attempt?.release()
    }
    expect(processesWith('sleep\x00985')).toEqual([])
    expect(rig.leftovers()).toEqual([])
  })

  describe('working directory and binds', () => {
    test.skipIf(notRoot)('is bound at its own path, and the job runs as its owner', async () => {
      chownSync(workdir, 391_234, 391_235)
      const { stdout } = await sh('pwd; touch made; ls -ln made', { spec: { working_dir: workdir } })
      expect(stdout).toContain(`${workdir}\n`)
      expect(stdout).toContain('1000 1000')
    })
    test.skipIf(notRoot)('of root is refused with the line that helps', async () => {
      chownSync(workdir, 0, 0)
      await expect(sh('true', { spec: { working_dir: workdir } })).rejects.toMatchObject({
        errorClass: 'refused',
        message: expect.stringMatching(/belongs to root.*chown -R/) as string,
      })
    })
    test('outside the list, missing, or not a directory', async () => {
      const refusal = (path: string) => sh('true', { spec: { working_dir: path } }).catch((error: Error) => error)
      expect(await refusal('/usr')).toMatchObject({
        errorClass: 'refused',
        message: expect.stringContaining('ALLOWED_WORKDIRS') as string,
      })
      expect(await refusal(`${workdir}/gone`)).toMatchObject({ errorClass: 'start' })
      writeFileSync(join(workdir, 'file'), '')
      expect(await refusal(join(workdir, 'file'))).toMatchObject({ errorClass: 'start' })
    })
    test('a read-only bind is read-only, and only what is allowed is bound', async () => {
      writeFileSync(join(root, 'data'), 'content\n', { mode: 0o666 })
      const ran = await sh(`cat ${root}/data; echo x > ${root}/data`, {
        spec: { binds: [{ path: join(root, 'data'), mode: 'ro' }] },
      })
      expect(ran.stdout).toBe('content\n')
      expect(ran.stderr).toContain('Read-only file system')
      await expect(sh('true', { spec: { binds: [{ path: join(root, 'data'), mode: 'rw' }] } })).rejects.toMatchObject({
        errorClass: 'refused',
      })
      await expect(sh('true', { spec: { binds: [{ path: '/proc/sys', mode: 'ro' }] } })).rejects.toMatchObject({
        errorClass: 'refused',
      })
    })
  })

  describe('isolation none', () => {
    const none = { spec: { isolation: 'none' as const } }
    test('runs as an ordinary user without privileges, and takes its tree along', async () => {
      const ran = await sh('id -u; grep NoNewPrivs /proc/self/status; pwd; (setsid sleep 984 &)', none)
      expect(ran.stdout).not.toMatch(/^0\n/)
      expect(ran.stdout).toMatch(/NoNewPrivs:\s+1/)
      expect(ran).toMatchObject({ exitCode: 0, remaining: 0 })
      expect(processesWith('sleep\x00984')).toEqual([])
    })
    test('says when the command does not exist', async () => {
      await expect(rig.run(['no-such-program'], none)).rejects.toMatchObject({ errorClass: 'start' })
    })
    test('must be allowed', async () => {
      const strict = await createRig({ allowIsolationNone: false, allowNetworkHost: false })
      await expect(strict.run(['true'], none)).rejects.toMatchObject({ errorClass: 'refused' })
      await expect(strict.run(['true'], { spec: { network: 'host' } })).rejects.toMatchObject({ errorClass: 'refused' })
      await strict.close()
    })
  })
})
