import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { decodeMark, decodeRecords, type LogRecord } from '../../logs/records.ts'
import { monotonicMs } from '../../lib/monotonic.ts'
import type { AttemptOrder } from '../executor.ts'
import type { Event, Snapshot } from '../launcher/protocol.ts'
import { sampleOrder, type Overrides } from '../testing/orders.ts'
import { openPolicy } from '../testing/rig.ts'
import { until } from '../testing/until.ts'
import { DriverSupervisor } from './supervisor.ts'
import { createFakePlace } from './testing/fake-place.ts'

let dir: string
let place: ReturnType<typeof createFakePlace>
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runyard-driver-'))
  place = createFakePlace()
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const config = () => ({ dir, tag: 'abcdef012345', policy: openPolicy, egressAllow: [] })
const orderOf = (command: string[], overrides: Overrides = {}): AttemptOrder =>
  sampleOrder(command, { ...overrides, spec: { executor: 'container', ...overrides.spec } })

/** As a driver process would have it; one that is not used any more stands for a process that was killed. */
async function process(known: AttemptOrder[] = []) {
  const events: Event[] = []
  const supervisor = new DriverSupervisor({ load: async () => place.driver, onIdle: () => {} })
  await supervisor.configure(config())
  await supervisor.takeUp(known)
  const watcher = (event: Event): void => void events.push(event)
  const start = (order: AttemptOrder, keepForMs = 60_000) => supervisor.start(order, monotonicMs() + keepForMs, watcher)
  const ended = async (key: string): Promise<NonNullable<Snapshot['end']>> => {
    await until(() => supervisor.attempts(watcher).find((one) => one.key === key)?.end !== undefined)
    return supervisor.attempts(watcher).find((one) => one.key === key)!.end!
  }
  return { supervisor, events, watcher, start, ended }
}

const recordsOf = (key: string): LogRecord[] => decodeRecords(readFileSync(join(dir, `${key}.log`))).records
const text = (records: LogRecord[], stream: string): string =>
  records
    .filter((one) => one.stream === stream)
    .map((one) => one.payload.toString())
    .join('')

test('after a kill of the driver process each stream is whole, once, with its secrets masked', async () => {
  const order = orderOf(['run'], { secretEnv: { TOKEN: 'correct-horse' } })
  const before = await process()
  await before.start(order)
  place.print(order.key, 'stdout', 'one correct-horse two ')
  place.print(order.key, 'stderr', 'warning correct')
  await until(
    () => readdirSync(dir).includes(`${order.key}.log`) && text(recordsOf(order.key), 'stdout').endsWith('two '),
  )
  const after = await process([order])
  place.print(order.key, 'stdout', 'three correct-')
  place.print(order.key, 'stdout', 'horse')
  place.print(order.key, 'stderr', '-horse')
  place.end(order.key, { exitCode: 3 })
  const { end } = await after.ended(order.key)
  expect(end).toMatchObject({
    ended: { exitCode: 3, unenforced: ['pids: nobody counts here'], startedAt: 1_700_000_000_000 },
  })
  expect(text(recordsOf(order.key), 'stdout')).toBe('one *** two three ***')
  expect(text(recordsOf(order.key), 'stderr')).toBe('warning ***')
  expect(place.runs.get(order.key)!.cleared).toBe(true)
  await after.supervisor.release(order.key)
  expect(readdirSync(dir)).toEqual([])
})

test('the output limit counts what was recorded before, and its mark what was discarded in all', async () => {
  const order = orderOf(['run'], { limits: { output_bytes: 10 } })
  const before = await process()
  await before.start(order)
  place.print(order.key, 'stdout', '01234567')
  await until(() => readdirSync(dir).includes(`${order.key}.log`) && recordsOf(order.key).length > 0)
  const after = await process([order])
  place.print(order.key, 'stdout', '89abcdef')
  place.end(order.key)
  await after.ended(order.key)
  const records = recordsOf(order.key)
  expect(text(records, 'stdout')).toBe('0123456789')
  expect(decodeMark(records.at(-1)!.payload).bytes).toBe(6)
})

test('what nobody has the secrets of any more is ended and called lost, never a success', async () => {
  const order = orderOf(['run'], { secretEnv: { TOKEN: 'correct-horse' } })
  await (await process()).start(order)
  const after = await process()
  expect((await after.ended(order.key)).end).toEqual({ lost: 'nobody has its secrets any more' })
  expect(readFileSync(join(dir, `${order.key}.driven`), 'utf8')).not.toContain('correct-horse')
})

test('a place that needs no credentials goes on without its runner, but nothing unmasked is recorded', async () => {
  place.forgive()
  const [open, secret] = [orderOf(['run']), orderOf(['run'], { secretEnv: { TOKEN: 'correct-horse' } })]
  const before = await process()
  await Promise.all([before.start(open), before.start(secret)])
  for (const { key } of [open, secret]) place.print(key, 'stdout', 'one correct-horse')
  const after = await process()
  const end = await after.ended(secret.key)
  expect(end).toMatchObject({ end: { ended: { reason: 'keeper', signal: 'SIGKILL' } } })
  place.print(open.key, 'stdout', ' two')
  place.end(open.key)
  await after.ended(open.key)
  expect(text(recordsOf(open.key), 'stdout')).toBe('one correct-horse two')
  expect(
    readdirSync(dir)
      .flatMap((name) => (name.startsWith(`${secret.key}.`) ? readFileSync(join(dir, name), 'utf8') : []))
      .join(),
  ).not.toContain('horse')
})

test('a deadline that passed while no process was there is not made longer by the next one', async () => {
  const order = orderOf(['run'])
  await (await process()).start(order)
  const file = join(dir, `${order.key}.driven`)
  const state = JSON.parse(readFileSync(file, 'utf8')) as object
  writeFileSync(file, JSON.stringify({ ...state, keep_until: monotonicMs() - 1 }))
  const after = await process([order])
  expect((await after.ended(order.key)).end).toMatchObject({ ended: { reason: 'keeper', signal: 'SIGKILL' } })
})

test('the keeper ends what nobody extends; extended, it lives', async () => {
  const [left, kept] = [orderOf(['run']), orderOf(['run'])]
  const { supervisor, start, ended } = await process()
  await Promise.all([start(left, 400), start(kept, 400)])
  supervisor.extend([kept.key], monotonicMs() + 60_000)
  expect((await ended(left.key)).end).toMatchObject({ ended: { reason: 'keeper' } })
  expect(place.runs.get(kept.key)!.signals).toEqual([])
  place.end(kept.key)
  expect((await ended(kept.key)).end).toMatchObject({ ended: { exitCode: 0 } })
})

test('a stop is gentle, then hard; its first reason stays, and the wall time is one', async () => {
  const [stopped, late] = [orderOf(['stubborn']), orderOf(['run'], { timeoutMs: 50 })]
  const { supervisor, start, ended } = await process()
  await Promise.all([start(stopped), start(late)])
  const gentle = supervisor.stop(stopped.key, 'cancelled', 60_000)
  await until(() => place.runs.get(stopped.key)!.signals.length > 0)
  await Promise.all([gentle, supervisor.stop(stopped.key, 'shutdown', 0)])
  expect(place.runs.get(stopped.key)!.signals).toEqual(['TERM', 'KILL'])
  expect((await ended(stopped.key)).end).toMatchObject({
    ended: { reason: 'cancelled', signal: 'SIGKILL', remaining: 0 },
  })
  expect((await ended(late.key)).end).toMatchObject({ ended: { reason: 'timeout', signal: 'SIGTERM' } })
})

test('a start that takes long is given up by a stop, and leaves nothing', async () => {
  place.hold()
  const order = orderOf(['run'])
  const { supervisor, start } = await process()
  const starting = start(order)
  await until(() => readdirSync(dir).length > 0)
  await supervisor.stop(order.key, 'cancelled', 5000)
  await expect(starting).rejects.toThrow('given up')
  expect([readdirSync(dir), supervisor.running]).toEqual([[], 0])
})

test('the runner that comes after hears how a start ended that an earlier one had asked for', async () => {
  const go = place.hold()
  const order = orderOf(['refuse'])
  const { supervisor, start, watcher } = await process()
  const starting = start(order).catch((error: Error) => error.message)
  await until(() => readdirSync(dir).length > 0)
  supervisor.unwatch(watcher)
  const events: Event[] = []
  expect(supervisor.attempts((event) => void events.push(event)).map(({ key, end }) => [key, end])).toEqual([
    [order.key, undefined],
  ])
  go()
  await starting
  expect(events).toMatchObject([{ event: 'ended', key: order.key, end: { refused: { errorClass: 'unreachable' } } }])
  await supervisor.release(order.key)
  expect(readdirSync(dir)).toEqual([])
})

test('a start whose end nobody knows is lost, one that was refused is told at once', async () => {
  const { start, ended, supervisor } = await process()
  const vanished = orderOf(['vanish'])
  await start(vanished)
  expect((await ended(vanished.key)).end).toEqual({ lost: 'nobody knows' })
  await expect(start(orderOf(['refuse']))).rejects.toMatchObject({ errorClass: 'unreachable' })
  const nowhere = orderOf(['run'], { place: { refused: 'host web1 is gone' } })
  await expect(start(nowhere)).rejects.toMatchObject({ errorClass: 'refused', message: 'host web1 is gone' })
  expect(supervisor.running).toBe(0)
})
