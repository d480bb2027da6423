import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../../test/until.ts'
import { createFakeExecutor } from '../../executors/fake.ts'
import { createRig } from '../test-rig.ts'
import type { HostSample } from './hold-back.ts'
import { createHostLoad, type LoadState } from './host-load.ts'
import { createHostReader, memoryOf, pressureOf, processOf, ticksOf } from './read-host.ts'

test('what Linux tells is read as it is written', () => {
  const stat = 'cpu  10 1 5 100 4 2 1 3 7 0\ncpu0 5 1 2 50 2 1 1 1 3 0\ncpu1 5 0 3 50 2 1 0 2 4 0\nintr 1 2\nctxt 9\n'
  expect(ticksOf(stat)).toEqual({ busy: 22, all: 126, cores: 2 })
  expect(pressureOf('some avg10=33.63 avg60=19.79 avg300=6.37 total=287\nfull avg10=0.00 avg60=0')).toBe(33.63)
  expect([pressureOf(null), pressureOf('')]).toEqual([null, null])
  expect(memoryOf('MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable:  1024 kB\n')).toEqual({
    memoryMib: 2,
    memoryAvailableMib: 1,
  })
  // A name may have brackets and blanks in it.
  const line =
    '42 (a) R 7 b) S 17 42 42 0 -1 4194304 99 0 0 0 5 6 7 8 20 0 1 0 7142356 3133440 359 18446744073709551615'
  expect(processOf(line)).toEqual({ pid: 42, parent: 17, ticks: 26, pages: 359, startedAt: '7142356' })
  expect([processOf(''), processOf('42 (gone')]).toEqual([null, null])
})

test('on this host: what we start is ours, and what somebody else runs is not', async () => {
  const busy = spawn(process.execPath, ['-e', 'for (;;) {}'])
  onTestFinished(() => void busy.kill('SIGKILL'))
  const ours = createHostReader({ runDir: '/no/such/place' })
  // The same processes, with the eyes of a runner that has started nothing.
  const another = createHostReader({ runDir: '/no/such/place', pid: -1 })
  await Promise.all([ours.read(), another.read()])
  await sleep(400)
  const [sample, others] = await Promise.all([ours.read(), another.read()])
  expect(sample.ownCores).toBeGreaterThan(0.1)
  expect(sample.busyCores).toBeGreaterThanOrEqual(sample.ownCores)
  expect(sample.cores).toBeGreaterThanOrEqual(1)
  expect(sample.ownMemoryMib).toBeGreaterThan(20)
  expect(sample.memoryAvailableMib).toBeLessThan(sample.memoryMib)
  expect(others).toMatchObject({ ownCores: 0, ownMemoryMib: 0 })
})

test('a runner asks for less while its host is busy, says so, and asks for all again', async () => {
  const rig = await createRig()
  onTestFinished(() => rig.close())
  const idle: HostSample = {
    ...{ cores: 2, busyCores: 0, ownCores: 0, loadAverage: 0, cpuPressure: 0, memoryPressure: 0 },
    ...{ memoryMib: 8_000, memoryAvailableMib: 8_000, ownMemoryMib: 0 },
  }
  let now: HostSample = { ...idle, busyCores: 2, cpuPressure: 80 }
  const load = createHostLoad({ reader: { read: () => Promise.resolve(now) }, everyMs: 5 })
  rig.start(
    createFakeExecutor(() => ({ ms: 60_000 })),
    { load },
  )
  const slots = () => rig.plane.asked.at(-1)?.slots
  const told = () =>
    rig.plane.described.map((one) => (one as { facilities: { load: LoadState | null } }).facilities.load).at(-1)
  await until(() => slots() === 1, 'a claim for one slot of four')
  await until(() => told()?.holding_back === 3)
  expect(told()).toMatchObject({ why: 'other work uses 2 of 2 cores', cpu: 1, cpu_others: 1, cpu_pressure: 80 })
  const jobs = [1, 2, 3].map(() => rig.plane.submit({ command: ['x'] }))
  const states = () => jobs.map(({ state }) => state).filter((state) => state !== 'waiting').length
  await until(() => states() === 1)
  await sleep(50)
  expect(states()).toBe(1)
  now = idle
  await until(() => states() === 3, 'the others begin')
  await until(() => told()?.holding_back === 0)
})
