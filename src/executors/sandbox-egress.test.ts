/** Network "egress" in real sandboxes: the tools that jobs have, what they cannot reach, and what is left afterwards. */
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createTcp, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onPath } from './launcher/spawn-launcher.ts'
import { allPids, commandLineOf } from './processes.ts'
import { noPerl, noSandbox, notRoot } from './testing/needs.ts'
import type { Overrides } from './testing/orders.ts'
import { textOf } from './testing/read-log.ts'
import { createRig, type Rig } from './testing/rig.ts'
import { until } from './testing/until.ts'

const MiB = 1024 * 1024
const largeBytes = 192 * MiB

describe.skipIf(noSandbox || noPerl)('network egress', () => {
  let root: string
  let rig: Rig
  let port: number
  let other: number
  let egress: string[]
  const origin = createServer((req, res) => {
    if (req.url === '/large') return sendLarge(res)
    const path = join(root, normalize(decodeURIComponent((req.url ?? '/').split('?')[0]!)))
    if (req.url !== '/' && existsSync(path)) return void createReadStream(path).pipe(res)
    res.statusCode = req.url === '/' ? 200 : 404
    res.end(`${req.method} ${req.url} of ${req.headers.host}\n`)
  })
  const closed = createTcp((socket) => socket.end('inside\n'))

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'runyard-egress-test-'))
    for (const server of [origin, closed]) await new Promise<void>((go) => server.listen(0, '127.0.0.1', go))
    port = (origin.address() as AddressInfo).port
    other = (closed.address() as AddressInfo).port
    egress = [`127.0.0.1:${port}`, 'example.test']
    rig = await createRig({
      egressAllow: [`127.0.0.0/8:${port}`, '**'],
      allowedReadOnlyBinds: [dirname(process.execPath)],
    })
    // As the run directory of a runner is.
    for (const dir of [rig.runDir, dirname(rig.runDir)]) chmodSync(dir, 0o711)
  })
  afterAll(async () => {
    const left = rig?.leftovers()
    const { runDir } = rig ?? {}
    await rig?.close()
    origin.closeAllConnections()
    for (const server of [origin, closed]) server.close()
    rmSync(root, { recursive: true, force: true })
    expect(left).toEqual([])
    await until(() => egressProcesses(runDir ?? '').length === 0)
  })
  /** Without the exceptions for the job's own servers: those of the tests are on an address like that. */
  const sh = (script: string, { spec, ...more }: Overrides = {}) =>
    rig.run(['bash', '-c', `unset NO_PROXY no_proxy; ${script}`], {
      ...more,
      spec: { network: 'egress', egress, ...spec },
    })
  const egressProcesses = (runDir: string): number[] =>
    allPids().filter((pid) => /egress\/main\.ts/.test(commandLineOf(pid)) && cwdOf(pid).startsWith(runDir))

  test('curl: requests, tunnels and SOCKS reach what is listed', async () => {
    const url = `http://127.0.0.1:${port}/`
    const ran = await sh(
      `curl -sS ${url}; curl -sSp ${url}; curl -sS -x socks5h://$RUNYARD_PROXY ${url}; curl -sS -x socks5://$RUNYARD_PROXY ${url}`,
    )
    expect(ran).toMatchObject({ exitCode: 0, stderr: '', stdout: `GET / of 127.0.0.1:${port}\n`.repeat(4) })
    expect(ran.notReached).toBeUndefined()
  })

  test('and nothing else: not past the way, not over it, and not by name', async () => {
    const ran = await sh(`
      curl -sS --noproxy '*' -m 5 http://127.0.0.1:${port}/
      curl -sS --noproxy '*' -m 5 http://192.0.2.1/
      curl -sS --noproxy '*' -m 5 http://example.test/
      curl -sS --noproxy '*' -m 5 -g 'http://[::1]:${port}/'
      curl -sS -m 5 http://127.0.0.1:${other}/; curl -sSp -m 5 http://127.0.0.1:${other}/
      curl -sS -m 5 -g 'http://[::1]:${port}/'
      curl -sS -m 5 http://169.254.169.254/latest/meta-data/
      curl -sS -m 5 -x socks5h://$RUNYARD_PROXY http://metadata.google.internal/
      exec 3<>/dev/udp/192.0.2.1/53 || echo no udp
    `)
    expect(ran.stdout).not.toContain('GET /')
    expect(ran.stdout).not.toContain('inside')
    expect(ran.stdout.match(/^runyard: .* is not in the job's list \(egress\)$/gm)).toHaveLength(3)
    expect(ran.stdout).toContain('no udp')
    expect(ran.stderr).toMatch(/CONNECT tunnel failed, response 403/)
    expect(ran.notReached).toEqual([
      `127.0.0.1:${other}`,
      `[::1]:${port}`,
      '169.254.169.254:80',
      'metadata.google.internal:80',
    ])
  })

  test.skipIf(onPath('git') === null)('git clones over it', async () => {
    const git = (...args: string[]): void =>
      void execFileSync('git', args, {
        cwd: root,
        stdio: 'pipe',
        env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' },
      })
    git('init', '-q', '-b', 'main', 'work')
    git('-C', 'work', '-c', 'user.name=a', '-c', 'user.email=a@b.test', 'commit', '-q', '--allow-empty', '-m', 'cloned')
    git('clone', '-q', '--bare', 'work', 'repo.git')
    git('-C', 'repo.git', 'update-server-info')
    const ran = await sh(`git clone -q http://127.0.0.1:${port}/repo.git && git -C repo log --format=%s`)
    expect(ran).toMatchObject({ exitCode: 0, stdout: 'cloned\n' })
  })

  test('python and node take the way by themselves', async () => {
    const url = `http://127.0.0.1:${port}/`
    const script = `fetch('${url}').then(r => r.text()).then(t => process.stdout.write(t))`
    const node = { binds: [{ path: dirname(process.execPath), mode: 'ro' as const }] }
    const ran = await sh(
      `/usr/bin/python3 -c "import urllib.request as r; print(r.urlopen('${url}').read().decode(), end='')" || exit 9
       ${process.execPath} --no-warnings -e "${script}"`,
      { spec: node, limits: { memory_bytes: 1024 * MiB } },
    )
    expect(ran).toMatchObject({ exitCode: 0, stdout: `GET / of 127.0.0.1:${port}\n`.repeat(2) })
  })

  test('a large answer passes whole, and nobody on the way keeps it', async () => {
    const content = randomBytes(3 * MiB)
    writeFileSync(join(root, 'file'), content)
    const url = `http://127.0.0.1:${port}`
    const before = peakOf(egressProcesses(rig.runDir)[0]!)
    const ran = await sh(
      `for how in '' -p; do curl -sS $how ${url}/file | sha256sum; done; curl -sS ${url}/large | wc -c`,
      {
        limits: { memory_bytes: 64 * MiB },
      },
    )
    const sum = `${createHash('sha256').update(content).digest('hex')}  -\n`
    expect(ran).toMatchObject({ exitCode: 0, stdout: `${sum}${sum}${largeBytes}\n` })
    expect(peakOf(egressProcesses(rig.runDir)[0]!) - before).toBeLessThan(largeBytes / 2)
  })

  test('the command is what it would be without: its signals, its files, its children, its words', async () => {
    expect(await sh('kill -TERM $$')).toMatchObject({ exitCode: 143, signal: 'SIGTERM' })
    expect((await sh('kill -0 -1 2>&1; perl -e "print wait"')).stdout).toContain('-1')
    expect((await sh('ls /proc/self/fd; env | grep -c PERL')).stdout).toMatch(/^0\n1\n2\n3\n0\n$/)
    const ran = await sh('echo a=1 >$RUNYARD_OUTPUT; exit 7', { spec: { outputs: true } })
    expect(ran).toMatchObject({ exitCode: 7, stderr: '', report: { path: expect.any(String) as string } })
    await expect(rig.run(['no-such'], { spec: { network: 'egress', egress } })).rejects.toMatchObject({
      errorClass: 'start',
      message: 'command not found: no-such is not in the PATH of the sandbox',
    })
    const own = await sh('echo $HTTP_PROXY $ALL_PROXY', { env: { HTTP_PROXY: 'mine' } })
    expect(own.stdout).toBe('mine http://127.0.0.1:3128\n')
  })

  test('a job with one process, and one that kills all that it can, harm only themselves', async () => {
    const one = await rig.run(['curl', '-sS', '--noproxy', '', `http://127.0.0.1:${port}/`], {
      spec: { network: 'egress', egress },
      limits: { pids: 1 },
    })
    expect(one).toMatchObject({ exitCode: 0 })
    const ran = await sh(`kill -9 -1; curl -sS -m 5 http://127.0.0.1:${port}/`)
    expect(ran).toMatchObject({ exitCode: 7, remaining: 0 })
    expect(await sh(`curl -sS http://127.0.0.1:${port}/`)).toMatchObject({ exitCode: 0 })
  })

  test('SIGTERM is for the command: its farewell still gets out; then nothing is left', async () => {
    const { attempt, stdout } = await rig.start(
      [
        'bash',
        '-c',
        `unset NO_PROXY no_proxy; trap 'curl -sS http://127.0.0.1:${port}/; exit 3' TERM; echo up; while :; do sleep 0.02; done`,
      ],
      { spec: { network: 'egress', egress } },
    )
    await until(async () => (await stdout()).includes('up'))
    await attempt.stop('cancelled', 5000)
    expect(await attempt.ended).toMatchObject({ exitCode: 3, reason: 'cancelled', remaining: 0 })
    expect(await stdout()).toBe(`up\nGET / of 127.0.0.1:${port}\n`)
    await attempt.release()
    expect(rig.leftovers()).toEqual([])
    expect(readdirSync(join(rig.runDir, 'egress'))).toEqual([])
  })

  test('a runner that died, and a way that died: the job goes on, by the same lists', async () => {
    const script = `unset NO_PROXY no_proxy; until [ -e /tmp/never ]; do curl -sS -m 5 http://127.0.0.1:${port}/ 2>&1; curl -s -o /dev/null -m 5 http://127.0.0.1:${other}/ -w '%{http_code}\\n'; sleep 0.02; done`
    const { attempt, stdout } = await rig.start(['bash', '-c', script], { spec: { network: 'egress', egress } })
    await until(async () => (await stdout()).includes('403'))
    const [pid] = egressProcesses(rig.runDir)
    process.kill(pid!, 'SIGKILL')
    await until(() => egressProcesses(rig.runDir).some((one) => one !== pid))
    const next = await rig.successor()
    const adopted = (await next.attempts()).find(({ key }) => key === attempt.key)
    const now = () => textOf(adopted!.log, 'stdout')
    const before = (await now()).length
    await until(async () => /GET \/[^]*403\n[^]*GET \//.test((await now()).slice(before)))
    expect(await now()).not.toContain('inside')
    await adopted!.stop('cancelled', 0)
    expect(await adopted!.ended).toMatchObject({ reason: 'cancelled', notReached: [`127.0.0.1:${other}`] })
    await adopted!.release()
    await attempt.release()
  })

  test.skipIf(notRoot)(
    'the process that reads what jobs send is nobody, and no job sees the way of another',
    async () => {
      const { attempt, stdout } = await rig.start(['sh', '-c', 'echo up; exec sleep 983'], {
        spec: { network: 'egress', egress },
      })
      await until(async () => (await stdout()).includes('up'))
      const [pid] = egressProcesses(rig.runDir)
      expect(readFileSync(`/proc/${pid}/status`, 'latin1')).toMatch(
        /^Uid:(\s+65534){4}\nGid:(\s+65534){4}\n[^]*^Groups:\s*\n[^]*CapEff:\s+0+\n/m,
      )
      const none = await rig.run(['sh', '-c', 'ls /run /run/runyard; env | grep -ci proxy'])
      expect(none.stdout).toBe('/run:\n0\n')
      await attempt.release()
    },
  )

  test.each([
    [
      ['10.0.0.1'],
      'this runner does not allow jobs to connect to 10.0.0.1 (its administrator can add to RUNYARD_EGRESS_ALLOW)',
    ],
    [['example.test:22'], 'this runner does not allow jobs to connect to example.test:22'],
    [[], 'network "egress" needs destinations'],
  ])('%j is refused by the runner too', async (list, message) => {
    await expect(sh('true', { spec: { egress: list } })).rejects.toMatchObject({
      errorClass: 'refused',
      message: expect.stringContaining(message) as string,
    })
  })
})

function sendLarge(res: ServerResponse): void {
  const piece = Buffer.alloc(MiB)
  let left = largeBytes / MiB
  const more = (): void => {
    while (left-- > 0) if (!res.write(piece)) return void res.once('drain', more)
    res.end()
  }
  more()
}

const peakOf = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024

function cwdOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}
