/** What cannot be brought about from outside: a disk that fills up between two lines, on a host without cgroups. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createSyncGroup } from '../output/sync-group.ts'
import { isAlive, startTimeOf } from '../processes.ts'
import { sampleOrder } from '../testing/orders.ts'
import { until } from '../testing/until.ts'
import { Attempt, type AttemptParts } from './attempt.ts'
import { createSlotPipe } from './pipe.ts'

test.each([
  ['nothing else to find it by', undefined, 'its process cannot be recorded: ENOSPC'],
  ['a mark to find it by', 'RUNYARD_MARK=attempt-test', undefined],
])('a process that could not be written down, with %s', async (_what, marker, lost) => {
  const dir = mkdtempSync(join(tmpdir(), 'runyard-attempt-'))
  const paths = ['stdout', 'stderr'].map((name) => join(dir, name))
  execFileSync('mkfifo', paths)
  const [stdout, stderr] = paths.map(createSlotPipe)
  const cgroup = { dirs: [], pids: () => [], usage: () => ({}), oomKills: () => 0 }
  const attempt = new Attempt({
    order: sampleOrder(['sleep', '30'], { spec: { isolation: 'none' } }),
    keepUntil: Infinity,
    slot: { stdout, stderr, cgroup } as unknown as AttemptParts['slot'],
    state: { launched: () => new Error('ENOSPC'), ended() {}, free() {} },
    recordFile: join(dir, 'log'),
    wrapping: null,
    reportFile: '',
    unenforced: [],
    startedAt: Date.now(),
    marker,
    foreword: [],
    before: [],
    sync: createSyncGroup(),
    alone: () => true,
    onStarted() {},
    onGrown() {},
    onEnd() {},
    giveBack() {},
  })
  const child = spawn('sleep', ['30'], {
    detached: true,
    env: marker ? { PATH: '/usr/bin:/bin', RUNYARD_MARK: 'attempt-test' } : undefined,
  })
  child.once('exit', (code, signal) => attempt.exited(code, signal))
  const main = { pid: child.pid!, startTime: startTimeOf(child.pid!)! }
  try {
    attempt.started(main)
    if (lost === undefined) {
      expect(isAlive(main)).toBe(true)
      await attempt.stop('cancelled', 5000)
      expect(attempt.end).toMatchObject({ ended: { reason: 'cancelled', signal: 'SIGTERM' } })
    } else {
      await until(() => attempt.end !== null)
      expect(attempt.end).toEqual({ lost })
    }
    expect(isAlive(main)).toBe(false)
  } finally {
    for (const pipe of [stdout, stderr]) pipe?.close()
    rmSync(dir, { recursive: true })
  }
})
