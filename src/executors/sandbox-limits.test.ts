import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noCgroups } from './testing/needs.ts'
import { createRig, type Rig } from './testing/rig.ts'

const MiB = 1024 * 1024

describe.skipIf(noCgroups)('limits of the cgroup', () => {
  let root: string
  let rig: Rig
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'runyard-limits-test-'))
    chmodSync(root, 0o755)
    rig = await createRig({ allowedWorkdirs: [root] })
    mkdirSync(join(root, 'io'))
    chownSync(join(root, 'io'), 391_000, 391_000)
  })
  afterAll(async () => {
    const left = rig.leftovers()
    await rig.close()
    rmSync(root, { recursive: true, force: true })
    expect(left).toEqual([])
  })

  test('memory: the kernel’s word, not exit 137', async () => {
    const hog = 'dd if=/dev/zero of=/dev/null bs=100M count=1'
    const killed = await rig.run(['sh', '-c', `exec ${hog}`], { limits: { memory_bytes: 32 * MiB } })
    expect(killed).toMatchObject({ oomKilled: true, signal: 'SIGKILL', remaining: 0 })
    const child = await rig.run(['sh', '-c', `${hog}; echo still here`], { limits: { memory_bytes: 32 * MiB } })
    expect(child.oomKills).toBeGreaterThan(0)
    const pretender = await rig.run(['sh', '-c', 'exit 137'])
    expect(pretender).toMatchObject({ exitCode: 137, oomKilled: false, oomKills: 0 })
  })

  test('cpu: a quarter of a core', async () => {
    const started = performance.now()
    const { attempt } = await rig.start(['sh', '-c', 'while :; do :; done'], { limits: { cpu: 0.25 } })
    await new Promise((resolve) => setTimeout(resolve, 1500))
    const { cpu_ms = 0 } = await attempt.usage()
    const share = cpu_ms / (performance.now() - started)
    expect(share).toBeGreaterThan(0.1)
    expect(share).toBeLessThan(0.32)
    await attempt.release()
  })

  test('pids and open files', async () => {
    const script = 'i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i+1)); done; ulimit -n'
    const { stderr } = await rig.run(['sh', '-c', script], { limits: { pids: 10 } })
    expect(stderr).toMatch(/Cannot fork|Resource temporarily unavailable/)
    expect((await rig.run(['sh', '-c', 'ulimit -n'], { limits: { open_files: 16 } })).stdout).toBe('16\n')
    await expect(rig.run(['true'], { limits: { open_files: 1_048_577 }, named: ['open_files'] })).rejects.toMatchObject(
      {
        errorClass: 'refused',
      },
    )
  })

  test('bytes per second to a disk', async () => {
    const dir = join(root, 'io')
    const started = performance.now()
    const overrides = {
      spec: { working_dir: dir },
      limits: { io_bytes_per_second: MiB },
      named: ['io_bytes_per_second' as const],
    }
    const ran = await rig
      .run(['dd', 'if=/dev/zero', 'of=file', 'bs=256k', 'count=8', 'oflag=direct'], overrides)
      .catch((error: Error) => error)
    // A temp directory on a file system without one disk under it: then it must be refused.
    if (ran instanceof Error) return expect(ran).toMatchObject({ errorClass: 'refused' })
    if (ran.exitCode !== 0) return // tmpfs: no direct writes, nothing to throttle
    expect(performance.now() - started).toBeGreaterThan(1400)
    expect(ran.usage.io_write_bytes).toBeGreaterThanOrEqual(2 * MiB)
  })

  test('usage is recorded', async () => {
    const { usage } = await rig.run([
      'sh',
      '-c',
      'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; head -c 8000000 /dev/zero > /tmp/x',
    ])
    expect(usage.cpu_ms).toBeGreaterThan(20)
    expect(usage.memory_peak_bytes).toBeGreaterThan(8_000_000)
  })
})
