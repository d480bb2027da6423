import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectLauncher } from './launcher/client.ts'
import { createSandboxExecutor } from './sandbox.ts'
import { noCgroups, noSandbox } from './testing/needs.ts'
import { collect, createRig, openPolicy, type Rig } from './testing/rig.ts'

/** As another runner process would make it: a new connection, nothing in memory. */
async function successor(rig: Rig) {
  const launcher = await connectLauncher({ socketPath: join(rig.runDir, 'launcher.sock'), spawnIfMissing: true })
  return {
    launcher,
    executor: createSandboxExecutor({ runDir: rig.runDir, uidBase: 390_000, uidCount: 8, ...openPolicy, launcher }),
  }
}

const launcherPid = (rig: Rig): number => {
  const socket = join(rig.runDir, 'launcher.sock')
  const isIt = (pid: string): boolean => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').endsWith(`${socket}\0`)
    } catch {
      return false
    }
  }
  return Number(readdirSync('/proc').find(isIt))
}

describe.skipIf(noSandbox)('a new runner process', () => {
  let rig: Rig
  beforeEach(async () => {
    rig = await createRig()
  })
  afterEach(async () => {
    const left = rig?.leftovers()
    await rig?.close()
    expect(left).toEqual([])
  })

  test('takes over a running attempt: output, stop and exit code', async () => {
    const { order, attempt: old } = await rig.start([
      'sh',
      '-c',
      'trap "echo bye; exit 9" TERM; while :; do echo tick; sleep 0.05; done',
    ])
    const next = await successor(rig)
    const attempt = await next.executor.adopt(order.dir)
    if (!attempt) throw new Error('nothing was adopted')
    let text = ''
    const drained = collect(attempt.stdout, (piece) => (text += piece))
    while (!text.includes('tick')) await sleep(5)
    await attempt.stop(5000)
    expect(await attempt.ended).toMatchObject({ exitCode: 9, remaining: 0 })
    await drained
    // The earlier reader had its share of the pipe; it is gone in real life.
    await old.ended
    await attempt.release()
    await next.launcher.close()
  })

  test('learns how an attempt ended while nobody was there', async () => {
    const { attempt, order } = await rig.start(['sh', '-c', 'exit 6'])
    await attempt.ended
    const next = await successor(rig)
    const adopted = await next.executor.adopt(order.dir)
    expect(await adopted?.ended).toMatchObject({ exitCode: 6, remaining: 0 })
    await adopted?.release()
    await next.launcher.close()
  })

  test('when the launcher was killed its attempts are dead, and the end is known', async () => {
    const { attempt, order } = await rig.start(['sleep', '981'])
    process.kill(launcherPid(rig), 'SIGKILL')
    expect(await attempt.ended).toMatchObject({ exitCode: null, signal: 'SIGKILL', remaining: 0 })
    const next = await successor(rig)
    const adopted = await next.executor.adopt(order.dir)
    expect((await adopted?.ended)?.remaining ?? 0).toBe(0)
    await attempt.release()
    await next.launcher.close()
  })

  test('sweeps what nobody claims and spares the rest', async () => {
    const stray = await rig.start(['sleep', '980'])
    const kept = await rig.start(['sleep', '979'])
    const next = await successor(rig)
    expect(await next.executor.sweep(new Set([kept.order.key]))).toBe(1)
    expect(await stray.attempt.ended).toMatchObject({ signal: 'SIGKILL', killedByKeeper: true, remaining: 0 })
    expect(rig.leftovers().some((name) => name.includes(`${stray.order.key}.`))).toBe(false)
    await kept.attempt.stop(1000)
    expect(await kept.attempt.ended).toMatchObject({ signal: 'SIGTERM', killedByKeeper: false })
    await kept.attempt.release()
    await stray.attempt.release()
    await next.launcher.close()
  })

  test.skipIf(noCgroups)('finds leftovers by their cgroup when the launcher is gone as well', async () => {
    const { attempt, order } = await rig.start(['sleep', '978'])
    process.kill(launcherPid(rig), 'SIGKILL')
    await attempt.ended
    const next = await successor(rig)
    expect(await next.executor.sweep(new Set())).toBe(1)
    expect(rig.leftovers()).toEqual([order.key])
    await attempt.release()
    await next.launcher.close()
  })
})
