/** One suite for both starters, in this process: what the launcher builds on. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProcessId } from '../processes.ts'
import { noPerl } from '../testing/needs.ts'
import { until } from '../testing/until.ts'
import { chainStarter } from './chain-starter.ts'
import { perlStarter } from './perl-starter.ts'
import type { Launch, LaunchFailure, Starter, StarterEvents } from './starter.ts'

interface End {
  code?: number | null
  signal?: string | null
  failure?: LaunchFailure
}

const { errno } = constants
const isRoot = process.getuid?.() === 0

starterConformance('Perl', (_dir, events) => perlStarter(events), noPerl)
starterConformance('the chain', async (dir, events) => chainStarter(dir, events))

test.skipIf(noPerl)('starter.pl compiles without a warning', () => {
  const script = join(import.meta.dirname, 'starter.pl')
  execFileSync('perl', ['-Mstrict', '-Mwarnings=FATAL,all', '-c', script], { stdio: 'pipe' })
})

function starterConformance(
  name: string,
  make: (dir: string, events: StarterEvents) => Promise<Starter | null>,
  skip: string | false = false,
): void {
  describe.skipIf(skip)(`the starter: ${name}`, () => {
    const root = mkdtempSync(join(tmpdir(), 'runyard-starter-'))
    const started = new Map<string, ProcessId>()
    const ends = new Map<string, (end: End) => void>()
    let starter: Starter
    let losses = 0
    let counter = 0
    beforeAll(async () => {
      const over = (id: string, end: End): void => ends.get(id)?.(end)
      const made = await make(root, {
        started: (id, main) => void started.set(id, main),
        failed: (id, failure) => over(id, { failure }),
        exited: (id, code, signal) => over(id, { code, signal }),
        lost: () => void losses++,
      })
      if (!made) throw new Error('it does not start here')
      starter = made
    })
    afterAll(() => {
      starter?.close()
      rmSync(root, { recursive: true, force: true })
      expect(losses).toBe(0)
    })

    const run = (argv: string[], more: Partial<Launch> = {}): Promise<End> & { id: string } => {
      const id = `job-${++counter}`
      const end = new Promise<End>((resolve) => ends.set(id, resolve))
      starter.start({
        id,
        argv,
        env: { PATH: '/usr/bin:/bin', OUT: join(root, 'out') },
        cwd: '/',
        cgroupProcs: [],
        openFiles: 64,
        fds: [],
        ...more,
      })
      return Object.assign(end, { id })
    }
    const sh = (script: string, more?: Partial<Launch>) => run(['sh', '-c', script], more)
    const out = (): string => readFileSync(join(root, 'out'), 'utf8')

    test('the exact end: a code, a signal', async () => {
      expect(await sh('exit 7')).toEqual({ code: 7, signal: null })
      expect(await sh('kill -9 $$')).toEqual({ code: null, signal: 'SIGKILL' })
      expect(await sh('exit 137')).toEqual({ code: 137, signal: null })
      expect(await Promise.all(Array.from({ length: 30 }, (_, i) => sh(`exit ${i}`)))).toEqual(
        Array.from({ length: 30 }, (_, i) => ({ code: i, signal: null })),
      )
    })

    test('arguments, environment and directory arrive as they are, and no signal is blocked or ignored', async () => {
      const script = 'printf "%s|" "$@" "$X" "$PWD" > "$OUT"; grep -E "Sig(Blk|Ign)" /proc/self/status >> "$OUT"'
      const argv = ['sh', '-c', script, 'sh', 'ü b', '', '*', 'x'.repeat(100_000)]
      const env = { PATH: '/usr/bin:/bin', OUT: join(root, 'out'), X: 'a=b\n"' }
      expect(await run(argv, { env, cwd: '/usr' })).toMatchObject({ code: 0 })
      const [words, status] = out().split('|SigBlk')
      expect(words).toBe(`ü b||*|${'x'.repeat(100_000)}|a=b\n"|/usr`)
      expect(status).toMatch(/^:\s+0{16}\nSigIgn:\s+0{16}\n$/)
    })

    test('hands over exactly the files of the order', async () => {
      const leaked = openSync('/dev/null', 'r')
      const large = Buffer.alloc(300_000, 'y')
      const fds: Launch['fds'] = [0, 1, 2].map((fd) => ({ fd, path: '/dev/null', open: 'pipe' }))
      fds.push({ fd: 3, data: Buffer.from('secret\0\n') }, { fd: 4, data: large })
      await sh('{ cat <&3; wc -c <&4; ulimit -n; ulimit -c; ls /proc/self/fd | wc -l; } > "$OUT"', { fds })
      closeSync(leaked)
      const [files, ...words] = out().trim().split('\n').toReversed()
      expect(words.toReversed()).toEqual(['secret\0', '300000', '64', '0'])
      // 0 to 4 and the directory that ls reads. The chain passes on what this process had inherited; the launcher has
      // closed that.
      if (starter.foreword.length === 0) expect(files).toBe('6')
    })

    test('a path that has become a link since it was checked is not opened', async () => {
      const dir = join(root, 'dir')
      mkdirSync(dir)
      const fds: Launch['fds'] = [0, 1, 2].map((fd) => ({ fd, path: '/dev/null', open: 'pipe' }))
      fds.push({ fd: 3, path: dir, open: 'exact' })
      expect(await sh('true', { fds })).toMatchObject({ code: 0 })
      renameSync(dir, `${dir}-old`)
      symlinkSync('/etc', dir)
      expect((await sh('true', { fds })).failure?.what).toContain('is now a link')
      rmSync(dir)
      mkdirSync(join(root, 'real', 'sub'), { recursive: true })
      symlinkSync(join(root, 'real'), dir)
      fds[3] = { fd: 3, path: join(dir, 'sub'), open: 'exact' }
      expect((await sh('true', { fds })).failure?.what).toContain(`is now ${join(root, 'real', 'sub')}`)
    })

    test('what cannot be started says why, and the starter lives on', async () => {
      const chdir = await sh('true', { cwd: '/nonexistent' })
      expect(chdir.failure).toMatchObject({ errno: errno.ENOENT, what: expect.stringContaining('chdir') as string })
      const fds: Launch['fds'] = [{ fd: 0, path: '/nonexistent', open: 'read' }]
      expect((await sh('true', { fds })).failure).toEqual({ errno: errno.ENOENT, what: 'open /nonexistent' })
      expect((await sh('true', { env: { A: 'x'.repeat(3_000_000) } })).failure).toEqual({
        errno: errno.E2BIG,
        what: 'exec',
      })
      expect(await sh('exit 1')).toEqual({ code: 1, signal: null })
    })

    test('a script without a first line is run by the shell', async () => {
      const script = join(root, 'script')
      writeFileSync(script, 'exit $1\n', { mode: 0o755 })
      expect(await run([script, '9'])).toMatchObject({ code: 9 })
    })

    test('a command that does not exist', async () => {
      const missing = await run(['no-such-program'])
      // The chain can only tell by its words on stderr.
      if (starter.foreword.length > 0) expect(missing).toMatchObject({ code: 127 })
      else {
        expect(missing.failure).toEqual({ errno: errno.ENOENT, what: 'exec' })
        expect((await run(['/etc/passwd'])).failure).toEqual({ errno: errno.EACCES, what: 'exec' })
      }
    })

    test.skipIf(!isRoot)('is somebody else, for good', async () => {
      const script = 'id -u; id -g; id -G; grep -E "^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)" /proc/self/status'
      const fds: Launch['fds'] = [0, 1, 2].map((fd) => ({ fd, path: '/dev/null', open: 'pipe' }))
      fds[1] = { fd: 1, path: join(root, 'id'), open: 'append' }
      expect(await sh(script, { uid: 390_001, gid: 390_002, fds })).toMatchObject({ code: 0 })
      const said = readFileSync(join(root, 'id'), 'utf8')
      expect(said).toMatch(/^390001\n390002\n390002\n/)
      expect(said.match(/Cap...:\s+0{16}$/gm)).toHaveLength(5)
      expect(said).toMatch(/NoNewPrivs:\s+1/)
    })

    test('when it is closed, what still runs is killed', async () => {
      const { id } = sh('trap "" TERM; exec sleep 984')
      await until(() => started.has(id))
      const { pid } = started.get(id)!
      starter.close()
      await until(() => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z'))
    })
  })
}
