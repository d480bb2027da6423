/** Shared inputs on this host: seen read-only where they belong, nothing else of the host, and no wait for a dead server. */
import { execFileSync } from 'node:child_process'
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createRig, type Rig } from '../testing/rig.ts'
import { noSandbox, notRoot } from '../testing/needs.ts'
import { lookIn } from './look.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'runyard-shares-test-'))
  chmodSync(root, 0o755)
  mkdirSync(join(root, 'share/sub'), { recursive: true })
  writeFileSync(join(root, 'share/sub/data'), 'data\n')
  writeFileSync(join(root, 'outside'), 'secret\n')
  symlinkSync('sub', join(root, 'share/inside'))
  symlinkSync('../outside', join(root, 'share/out'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A file system whose server never answers. Null where none can be mounted. */
function hangingAt(dir: string): { end(): void } | null {
  const device = openSync('/dev/fuse', 'r+')
  const mount = ['-i', '-t', 'fuse', '-o', 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other', 'none', dir]
  try {
    execFileSync('mount', mount, { stdio: ['ignore', 'ignore', 'ignore', device] })
  } catch {
    closeSync(device)
    return null
  }
  return {
    end() {
      execFileSync('umount', ['-l', dir])
      closeSync(device)
    },
  }
}

describe.skipIf(noSandbox)('jobs', () => {
  let rig: Rig
  beforeAll(async () => {
    const dirs = { fixtures: join(root, 'share'), gone: join(root, 'nothing'), dead: join(root, 'dead') }
    mkdirSync(dirs.dead)
    rig = await createRig({ sharedInputs: { runner: 'here', dirs } })
  })
  afterAll(async () => {
    const left = rig?.leftovers()
    await rig?.close()
    expect(left).toEqual([])
  })
  const sh = (script: string, ...inputs: { share: string; path: string }[]) =>
    rig.run(['sh', '-c', script], { spec: { inputs } })
  const all = { share: 'fixtures', path: '' }

  test('read a share, and cannot write to it or leave it', async () => {
    const { stdout, stderr } = await sh(
      'cat /inputs/fixtures/inside/data; cat /inputs/fixtures/out; echo >/inputs/x',
      all,
    )
    expect(stdout).toBe('data\n')
    expect(stderr).toMatch(/fixtures\/out: No such file/)
    expect(stderr).toMatch(/Read-only file system/)
  })

  test('see only the part that they name, at its own place', async () => {
    const { stdout } = await sh('find /inputs -type f; cat /inputs/fixtures/inside/data', {
      ...all,
      path: 'inside/data',
    })
    expect(stdout).toBe('/inputs/fixtures/inside/data\ndata\n')
  })

  test.each([
    [{ share: 'fixtures', path: 'out' }, 'refused', 'shared input fixtures: out leads out of the share on runner here'],
    [{ share: 'fixtures', path: 'no/such' }, 'start', 'shared input fixtures: no/such does not exist on runner here'],
    [{ share: 'other', path: '' }, 'refused', 'runner here has no shared input other'],
    [{ share: 'gone', path: '' }, 'infrastructure', 'shared input gone does not answer on runner here'],
  ])('are refused: %j', async (input, errorClass, message) => {
    const started = sh('true', input)
    await expect(started).rejects.toMatchObject({ errorClass })
    await expect(started).rejects.toThrow(message)
  })

  test.skipIf(notRoot)('wait for no dead file server, nor do others beside them', async (context) => {
    const hanging = hangingAt(join(root, 'dead'))
    if (hanging === null) return context.skip()
    onTestFinished(() => hanging.end())
    const before = performance.now()
    const stale = expect(sh('true', { share: 'dead', path: 'x' })).rejects.toMatchObject({
      errorClass: 'infrastructure',
      share: 'dead',
      message: expect.stringMatching(/dead does not answer on runner here: no answer within 2 s \(stale mount\?\)/),
    })
    expect((await rig.run(['true'])).exitCode).toBe(0)
    expect(performance.now() - before).toBeLessThan(1500)
    await stale
    expect(performance.now() - before).toBeLessThan(4000)
  })

  test('need namespaces', async () => {
    const started = rig.run(['true'], { spec: { isolation: 'none', inputs: [all] } })
    await expect(started).rejects.toThrow('inputs need isolation "full"')
  })
})

test('what a look can come to', async () => {
  const sleeping = { withinMs: 50, command: ['/bin/sh', '-c', 'exec sleep 30', 'sh'] }
  const looks = [lookIn('/slow', [], sleeping)]
  expect(await looks[0]).toEqual({ stale: 'no answer within 0.05 s' })
  // Its child has not been reaped yet.
  expect(await lookIn('/slow', [], sleeping)).toEqual({ stale: 'an earlier look at it still hangs' })
  expect(await lookIn(root, [])).toMatchObject({ entries: [{ directory: true }] })
  expect(await lookIn(join(root, 'none'), ['x'])).toEqual({ entries: [null, null] })
  const broken = { command: ['/bin/sh', '-c', 'echo "stat: x: Stale file handle" >&2; exit 1', 'sh'] }
  expect(await lookIn(root, [], broken)).toEqual({ stale: 'stale file handle' })
})
