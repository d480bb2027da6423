import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createReportFrames } from '../../job/report-frames.ts'
import { executorConformance } from '../conformance.ts'
import { createDrivenRig } from '../driver/testing/rig.ts'
import { allPids, childrenOf, commandLineOf } from '../processes.ts'
import { noCgroups } from '../testing/needs.ts'
import { until } from '../testing/until.ts'
import { createLink } from './testing/cut.ts'
import { createDriving } from './testing/drive.ts'
import { createSshd, noSshd, type Sshd } from './testing/sshd.ts'

const base = `/tmp/.runyard-${userInfo().uid}`
const thereOf = (tag: string): string[] => (existsSync(`${base}/${tag}`) ? readdirSync(`${base}/${tag}`) : [])
/** Of any attempt under this tag. */
const processesOf = (tag: string): number[] =>
  allPids().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`RUNYARD_MARK=${tag}.`)
    } catch {
      return false
    }
  })

let sshd: Sshd
beforeAll(async () => {
  if (noSshd === false) sshd = await createSshd({ config: ['MaxSessions 4'] })
})
afterAll(() => sshd?.close())

executorConformance(
  'ssh',
  () =>
    createDrivenRig({
      kind: 'ssh',
      overrides: { place: { ssh: { hosts: [sshd.target], success: 'all', at_once: 1 } } },
      leftovers: ({ tag }) => thereOf(tag),
    }),
  noSshd,
)

describe.skipIf(noSshd).concurrent('jobs on hosts', () => {
  let driving: ReturnType<typeof createDriving>
  beforeAll(() => {
    driving = createDriving(() => sshd.target)
  })
  afterAll(async () => {
    await driving.close()
    await until(() => thereOf(driving.config.tag).length === 0)
    expect(processesOf(driving.config.tag)).toEqual([])
  })

  test('10 MB of any bytes come through, and files that it leaves', async ({ onTestFinished }) => {
    const dir = mkdtempSync(join(tmpdir(), 'runyard-blob-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const blob = randomBytes(10 * 1024 * 1024)
    writeFileSync(join(dir, 'blob'), blob)
    const one = await driving.start(
      [
        'sh',
        '-c',
        'cat "$1"; printf "a=1" > "$RUNYARD_OUTPUT"; echo kept > art; ln -s /etc/passwd link',
        'x',
        join(dir, 'blob'),
      ],
      { spec: { outputs: true, artifacts: ['art', 'link'] }, artifactCaps: { bytes: 1000, files: 10 } },
    )
    const end = await one.end()
    expect(end).toMatchObject({ exitCode: 0, remaining: 0 })
    const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
    expect(sum(one.bytes('stdout'))).toBe(sum(blob))
    const frames = createReportFrames()(readFileSync(end.report!.path!))
    const data = frames.flatMap((frame) => (frame.kind === 'data' ? frame.bytes.toString() : []))
    expect(data).toEqual(['a=1', 'kept\n'])
    expect(frames).toContainEqual({ kind: 'broken', text: 'it is a link' })
    await one.driven.clear()
  })

  test('the environment is the job’s own, secrets are in no command line, quoting holds', async () => {
    const nasty = `it's "$HOME" \`id\` \\n\n!x ü`
    const one = await driving.start(
      ['sh', '-c', 'printf %s "$SECRET"; printf "<%s>" "$@"; sleep 0.5', 'x', nasty, ''],
      {
        secretEnv: { SECRET: `${nasty} token-4711` },
        env: { dir: '/x', IFS_: 'y', holder: 'z', files: '1' },
      },
    )
    await until(() => one.text('stdout').includes('<>'))
    const lines = allPids().map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      } catch {
        return ''
      }
    })
    expect(lines.some((line) => line.includes('token-4711'))).toBe(false)
    await one.end()
    expect(one.text('stdout')).toBe(`${nasty} token-4711<${nasty}><>`)
    await one.driven.clear()
    const missing = await driving.start(['no-such-program'])
    await expect(missing.end()).rejects.toMatchObject({
      errorClass: 'start',
      message: expect.stringContaining('not found'),
    })
    await missing.driven.clear()
  })

  test.skipIf(noCgroups)('limits hold in a cgroup, and one that nobody holds refuses the job', async () => {
    const one = await driving.start(['sh', '-c', 'ulimit -n; tail /dev/zero'], {
      limits: { memory_bytes: 24 * 1024 * 1024, open_files: 77 },
    })
    expect(await one.end()).toMatchObject({ oomKilled: true, signal: 'SIGKILL', remaining: 0 })
    expect(one.text('stdout')).toBe('77\n')
    await one.driven.clear()
    await expect(driving.start(['true'], { named: ['disk_bytes'] })).rejects.toMatchObject({ errorClass: 'refused' })
  })

  test('a kill takes what hid in sessions of its own', async ({ onTestFinished }) => {
    const hidden = 'setsid sh -c "setsid sleep 61 & sleep 62" & trap "" TERM; echo up; while :; do sleep 0.1; done'
    const first = createDriving(() => sshd.target)
    const one = await first.start(['sh', '-c', hidden])
    const { tag } = first.config
    await until(() => one.text('stdout') === 'up\n' && processesOf(tag).length >= 4)
    await first.close()
    // Found again by another process: all of its output, and all that it started.
    const next = createDriving(() => sshd.target, undefined, tag)
    onTestFinished(() => next.close())
    const found = await next.attach(one.order, one.handle())
    await until(() => found.text('stdout') === 'up\n')
    await found.driven.signal('TERM')
    await found.driven.signal('KILL')
    expect(await found.end()).toMatchObject({ signal: 'SIGKILL', remaining: 0 })
    expect(processesOf(tag)).toEqual([])
    await found.driven.clear()
    expect(thereOf(tag)).toEqual([])
  })

  test('a helper speaks over the forwarded socket, its places are those of the host', async ({ onTestFinished }) => {
    const dir = mkdtempSync(join(tmpdir(), 'runyard-helpers-'))
    mkdirSync(join(dir, 'lib'))
    writeFileSync(
      join(dir, 'script.sh'),
      'curl -s --unix-socket "$RUNYARD_SOCKET" http://runyard/v1/health; echo; echo "$RUNYARD_DIR"',
    )
    const server = createServer((_, res) => void res.end('{"ok":true}')).listen(join(dir, 'socket'))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
      rmSync(dir, { recursive: true })
    })
    const one = await driving.start(['sh', '/runyard/script.sh'], {
      helpersDir: dir,
      env: { RUNYARD_DIR: '/runyard', RUNYARD_SOCKET: '/runyard/socket' },
    })
    await one.end()
    expect(one.text('stdout')).toBe(`{"ok":true}\n${base}/${driving.config.tag}/${one.order.key}/runyard\n`)
    await one.driven.clear()
  })

  test('one job on three hosts: lines with names, each host’s result, and the same log again when it is found anew', async () => {
    const named = ['a', 'b', 'c'].map((name) => ({ ...sshd.target, name }))
    const script = 'echo one; echo two; printf three; case $PWD in *-h1/*) exit 3;; esac'
    const all = await driving.start(['sh', '-c', script], { hosts: named, ssh: { at_once: 2 } })
    const end = await all.end()
    expect(end.said).toEqual({ message: '2 of 3 hosts succeeded; not b (exited with code 3)', errorClass: 'exit' })
    expect(end.hosts?.map(({ host, state, exit_code: code }) => [host, state, code])).toEqual([
      ['a', 'succeeded', 0],
      ['b', 'failed', 3],
      ['c', 'succeeded', 0],
    ])
    const lines = all.text('stdout').split('\n')
    for (const name of ['a', 'b', 'c'])
      expect(lines.filter((line) => line.startsWith(`${name} | `))).toEqual([
        `${name} | one`,
        `${name} | two`,
        `${name} | three`,
      ])
    const again = await driving.attach(all.order, all.handle())
    expect(await again.end()).toMatchObject({ exitCode: 3 })
    expect(again.text('stdout')).toBe(all.text('stdout'))
    await again.driven.clear()
    const any = await driving.start(['sh', '-c', script], { hosts: named.slice(0, 2), ssh: { success: 'any' } })
    expect(await any.end()).toMatchObject({ exitCode: 0, said: { message: expect.stringContaining('1 of 2') } })
    await any.driven.clear()
  })

  test('more jobs at once than sshd allows sessions wait for each other', async () => {
    const ran = await Promise.all(
      Array.from({ length: 12 }, async (_, n) => {
        const one = await driving.start(['sh', '-c', `echo ${n}; sleep 0.1`], {
          hosts: [{ ...sshd.target, connections: 2 }],
        })
        await one.end()
        await one.driven.clear()
        return one.text('stdout')
      }),
    )
    expect(ran).toEqual(Array.from({ length: 12 }, (_, n) => `${n}\n`))
  })
})

describe.skipIf(noSshd).concurrent('links that are cut', () => {
  test.for(['the answer to its lease', 'a stop'])(
    'one whose end was not shown is ended by %s, complete',
    async (how, { onTestFinished }) => {
      const driving = createDriving(() => sshd.target)
      onTestFinished(() => driving.close())
      const { tag } = driving.config
      const one = await driving.start([
        'sh',
        '-c',
        'echo up; while [ ! -e go ]; do sleep 0.02; done; printf down; exit 4',
      ])
      await until(() => one.text('stdout') === 'up\n')
      const there = `${base}/${tag}/${one.order.key}`
      const shows = Number(readFileSync(`${there}/follow`, 'latin1'))
      const tails = childrenOf(shows).filter((pid) => commandLineOf(pid).startsWith('tail'))
      expect(tails).toHaveLength(2)
      // As if nobody had told them of a change.
      for (const pid of tails) process.kill(pid, 'SIGSTOP')
      writeFileSync(`${there}/home/go`, '')
      await until(() => existsSync(`${there}/status`))
      if (how === 'a stop') await one.driven.signal('TERM')
      else one.renew()
      expect(await one.end()).toMatchObject({ exitCode: 4, remaining: 0 })
      expect(one.text('stdout')).toBe('up\ndown')
      await until(() => !tails.some((pid) => commandLineOf(pid).startsWith('tail')))
      // Numbers that stand there are somebody else's by now.
      const stranger = spawn('sleep', ['60'], { stdio: 'ignore' })
      onTestFinished(() => void stranger.kill())
      for (const file of ['follow', 'job']) writeFileSync(`${there}/${file}`, `${stranger.pid}\n`)
      await one.driven.clear()
      expect(commandLineOf(stranger.pid!)).toContain('sleep')
    },
  )

  test('one that nobody knows how to get to is lost when its watchdog has fired, not before', async ({
    onTestFinished,
  }) => {
    const driving = createDriving(() => sshd.target, { leaseSlackMs: 2500 })
    const one = await driving.start(['sleep', '60'], { keepForMs: 1500 })
    const { tag } = driving.config
    await until(() => processesOf(tag).length > 0)
    await driving.driver.close()
    const next = createDriving(() => sshd.target, { leaseSlackMs: 2500 }, tag)
    onTestFinished(async () => {
      await next.close()
      await driving.close()
      rmSync(`${base}/${tag}`, { recursive: true, force: true })
    })
    await expect(next.forgotten(one, one.handle(), 1500)).rejects.toThrow(/is not known any more/)
    expect(processesOf(tag)).toEqual([])
  })

  test('in mid-run: the output goes on where it was, once; what ended meanwhile is found; sshd may be gone for a while', async ({
    onTestFinished,
  }) => {
    const own = await createSshd()
    const link = await createLink(own.port)
    const driving = createDriving(() => ({ ...own.target, port: link.port }))
    onTestFinished(async () => {
      await driving.close()
      link.close()
      await own.close()
    })
    const one = await driving.start([
      'sh',
      '-c',
      'i=0; while [ $i -lt 40 ]; do echo $i; i=$((i+1)); sleep 0.03; done; exit 5',
    ])
    await until(() => one.text('stdout').includes('5\n'))
    link.cut()
    await until(() => driving.driver.state() !== null && one.text('stdout') !== '')
    link.mend()
    await until(() => one.text('stdout').includes('15\n'))
    // sshd and its sessions: what runs there is not theirs.
    await own.stop(true)
    await own.start()
    expect(await one.end()).toMatchObject({ exitCode: 5, remaining: 0 })
    expect(one.text('stdout')).toBe(Array.from({ length: 40 }, (_, i) => `${i}\n`).join(''))
    await one.driven.clear()
    expect(thereOf(driving.config.tag)).toEqual([])
  })

  test('for longer than its lease: killed there by its watchdog, lost here, never a success', async ({
    onTestFinished,
  }) => {
    const link = await createLink(sshd.port)
    const driving = createDriving(() => ({ ...sshd.target, port: link.port }), { leaseSlackMs: 2500 })
    onTestFinished(async () => {
      await driving.close()
      link.close()
    })
    const one = await driving.start(['sleep', '60'], { keepForMs: 1200 })
    await until(() => processesOf(driving.config.tag).length > 0)
    link.cut()
    await until(() => processesOf(driving.config.tag).length === 0, 6000)
    await expect(one.end()).rejects.toThrow(/was cut and not restored in time/)
    link.mend()
    // As whoever drives it does: what was on its way when the link came back fails still.
    await until(() =>
      one.driven
        .clear()
        .then(() => true)
        .catch(() => false),
    )
    expect(thereOf(driving.config.tag)).toEqual([])
  })
})
