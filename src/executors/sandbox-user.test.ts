import { execFile } from 'node:child_process'
import { chownSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cgroupMounts } from './cgroup/mounts.ts'
import type { Ended, Facilities } from './executor.ts'
import { closedCheckout, noCgroups, noSandbox } from './testing/needs.ts'
import { processesWith } from './testing/rig.ts'

const uid = 391_777
const script = join(import.meta.dirname, 'testing', 'as-user.ts')
const run = promisify(execFile)

interface Answer {
  results: (Ended & { stdout: string; stderr: string; errorClass?: string; message?: string })[]
  facilities: Facilities
  left: string[]
}

async function asUser(jobs: unknown[]): Promise<Answer> {
  const { stdout } = await run(
    'setpriv',
    [
      `--reuid=${uid}`,
      `--regid=${uid}`,
      '--clear-groups',
      '--inh-caps=-all',
      process.execPath,
      '--no-warnings',
      script,
      JSON.stringify(jobs),
    ],
    { env: { PATH: process.env.PATH, HOME: '/nonexistent', TMPDIR: '/tmp' }, cwd: '/' },
  )
  return JSON.parse(stdout) as Answer
}

const alive = (words: string): boolean => processesWith(words).length > 0

const mountsOfV1 = [...new Set(cgroupMounts().v1.values())]
const v1Missing = mountsOfV1.length === 0 && 'cgroup v1 is not mounted'

describe.skipIf(noSandbox || closedCheckout || noCgroups)('an ordinary user', () => {
  const stubborn = (seconds: string) => [
    'sh',
    '-c',
    `trap "" TERM; (setsid sleep ${seconds} &) ; while :; do sleep 0.1; done`,
  ]

  test('without cgroups: isolated, stopped for good, and honest about limits', async () => {
    const { results, facilities, left } = await asUser([
      { command: ['sh', '-c', 'id -u; cat /etc/shadow; ulimit -n'] },
      { command: ['no-such-program'] },
      { command: ['true'], overrides: { named: ['memory_bytes'] } },
      { command: stubborn('977'), stop: { afterMs: 100, graceMs: 100 } },
      { command: stubborn('976'), stop: { afterMs: 100, graceMs: 100 }, overrides: { spec: { isolation: 'none' } } },
      {
        command: ['sh', '-c', '(sleep 975 &); (setsid sleep 975 &); echo over'],
        overrides: { spec: { isolation: 'none' } },
      },
      { command: ['bash', '-c', 'for i in {1..40}; do sleep 3 & done; wait'], overrides: { limits: { pids: 20 } } },
      { command: ['bash', '-c', 'echo quick failure >&2; exit 127'] },
    ])
    expect(facilities.isolation).toEqual({ full: true })
    expect(facilities.limits.memory_bytes.held).toBe(false)
    expect(facilities.limits.pids).toEqual({ held: true, by: 'RLIMIT_NPROC' })
    const [first, missing, named, stopped, plain, background, crowd, quick] = results
    expect(first).toMatchObject({ stdout: '1000\n1024\n', unenforced: ['cpu', 'memory_bytes'] })
    expect(first?.stderr).toContain('No such file')
    expect(missing).toMatchObject({ errorClass: 'start' })
    expect(named).toMatchObject({ errorClass: 'refused' })
    expect(named?.message).toContain('sudo npx runyard setup --yes')
    for (const result of [stopped, plain]) expect(result).toMatchObject({ signal: 'SIGKILL', remaining: 0 })
    expect(background).toMatchObject({ exitCode: 0, stdout: 'over\n', remaining: 0 })
    expect(crowd?.stderr).toContain('Resource temporarily unavailable')
    expect(quick).toMatchObject({ exitCode: 127, stderr: 'quick failure\n' })
    for (const seconds of [977, 976, 975]) expect(alive(`sleep\x00${seconds}`)).toBe(false)
    expect(left).toEqual([])
  })

  describe.skipIf(v1Missing)('with the bases that setup makes', () => {
    const bases = mountsOfV1.map((mount) => join(mount, `runyard-${uid}`))
    beforeAll(() => {
      for (const base of bases) {
        mkdirSync(base)
        for (const name of ['', ...readdirSync(base)]) chownSync(join(base, name), uid, uid)
      }
    })
    afterAll(() => {
      for (const base of bases) rmdirSync(base)
    })

    test('has every limit', async () => {
      const { results, facilities, left } = await asUser([
        { command: ['true'], overrides: { named: ['cpu', 'memory_bytes', 'pids'] } },
        {
          command: ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=100M', 'count=1'],
          overrides: { limits: { memory_bytes: 33_554_432 } },
        },
        { command: stubborn('974'), stop: { afterMs: 100, graceMs: 100 } },
      ])
      expect(Object.values(facilities.limits).map(({ held }) => held)).not.toContain(false)
      const [named, hog, stopped] = results
      expect(named).toMatchObject({ exitCode: 0, unenforced: [] })
      expect(hog).toMatchObject({ oomKilled: true })
      expect(stopped).toMatchObject({ remaining: 0 })
      expect(alive('sleep\x00974')).toBe(false)
      expect(left).toEqual([])
    })
  })
})
