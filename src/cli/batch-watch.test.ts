import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import fc from 'fast-check'
import type { Batch, Job } from '../api/contract/index.ts'
import { AppError } from '../lib/app-error.ts'
import { cells, countsText, progressLine } from './batch-bar.ts'
import { batchTable, previewTable } from './batch-view.ts'
import { exitCodeOfBatch, watchBatch, type WatchOut } from './batch-watch.ts'

const counts = (more: Partial<Batch['counts']>): Batch['counts'] => {
  const all = { waiting: 0, running: 0, passed: 0, failed: 0, cancelled: 0, ...more }
  return { ...all, total: Object.values(all).reduce((sum, n) => sum + n, 0) }
}
const aBatch = (of: Partial<Batch['counts']>, more: Partial<Batch> = {}): Batch => ({
  ...{ id: 'abcdefghij01', name: 'ui', description: null, owner: 'anna', status: 'running', counts: counts(of) },
  ...{ tests: null, created_at: new Date().toISOString(), started_at: null, ended_at: null, duration_ms: null },
  ...{ cancel_requested: false, forced: false, rerun_of: null, template: null, notify: [] },
  ...more,
})
const ended = (of: Partial<Batch['counts']>, status: Batch['status']): Batch =>
  aBatch(of, { status, ended_at: new Date().toISOString(), duration_ms: 1500 })

const count = fc.integer({ min: 0, max: 10_000 })

test('a bar is as wide as it should be, and shows whatever is there at all', () => {
  fc.assert(
    fc.property(count, count, count, count, count, fc.integer({ min: 5, max: 80 }), (a, b, c, d, e, width) => {
      const of = counts({ passed: a, failed: b, cancelled: c, running: d, waiting: e })
      const widths = cells(of, width)
      expect(widths.reduce((sum, n) => sum + n, 0)).toBe(of.total === 0 ? 0 : width)
      expect(widths.map((n) => n > 0)).toEqual([a, b, c, d, e].map((n) => n > 0))
    }),
  )
})

test('the line of progress fits the terminal, with or without a bar', () => {
  const batch = aBatch({ passed: 300, failed: 12, running: 8, waiting: 180 })
  expect(countsText(batch.counts)).toBe('312/500: 300 passed, 12 failed, 8 running, 180 waiting')
  const now = Date.parse(batch.created_at) + 63_000
  const line = stripVTControlCharacters(progressLine(batch, 120, now))
  expect(line).toMatch(/^█+▓+░+·+ {2}312\/500: .* 180 waiting {2}1m 3s$/)
  for (const width of [5, 20, 40, 80]) {
    expect(stripVTControlCharacters(progressLine(batch, width, now)).length).toBeLessThanOrEqual(width)
  }
})

const failedJob = (i: number): Job =>
  ({
    id: `failed${String(i).padStart(6, '0')}`,
    name: `t${i}\u001b[2J`,
    state: 'failed',
    result: { exit_code: i },
  }) as Job

/** A server whose batch is as given, one after the other. */
function calls(states: (Batch | Error)[], failed: () => Job[] = () => []) {
  let asked = 0
  const api = {
    batches: {
      get: async () => {
        const state = states[Math.min(asked, states.length - 1)]!
        asked += 1
        if (state instanceof Error) throw state
        return state
      },
    },
    jobs: { list: async ({ limit }: { limit: number }) => ({ jobs: failed().slice(0, limit), next_cursor: null }) },
  } as unknown as ReturnType<Parameters<typeof watchBatch>[0]>
  return Object.assign(() => api, { asked: () => asked })
}

function screen(width: number | undefined, quiet = false): WatchOut & { text(): string } {
  let text = ''
  return { write: (more) => void (text += more), width: () => width, quiet, text: () => stripVTControlCharacters(text) }
}
const times = { askMs: 1, lineMs: 0, patienceMs: 1000, tellAwayMs: 0 }
const never = new AbortController().signal

// A test that runs on a terminal prints what one prints elsewhere.
const before = process.env.NO_COLOR
beforeAll(() => void (process.env.NO_COLOR = '1'))
afterAll(() => {
  if (before === undefined) delete process.env.NO_COLOR
  else process.env.NO_COLOR = before
})

test('without a terminal: a line for each change, failures as they come, the end', async () => {
  const out = screen(undefined)
  const states = [
    aBatch({ waiting: 3 }),
    aBatch({ waiting: 3 }),
    aBatch({ passed: 1, failed: 1, running: 1 }),
    ended({ passed: 1, failed: 2 }, 'failed'),
  ]
  const api = calls(states, () => [failedJob(2), failedJob(1)].slice(api.asked() === 3 ? 1 : 0))
  const batch = await watchBatch(api, 'abcdefghij01', out, never, times)
  expect(exitCodeOfBatch(batch)).toBe(1)
  expect(out.text().split('\n')).toEqual([
    '0/3: 3 waiting',
    '✗ t1  exit 1  runyard log failed000001',
    '2/3: 1 passed, 1 failed, 1 running',
    '✗ t2  exit 2  runyard log failed000002',
    'ui failed in 1.5s: 3/3: 1 passed, 2 failed',
    '',
  ])
})

test('on a terminal the bar is written over, and gone at the end', async () => {
  const out = screen(80)
  await watchBatch(calls([aBatch({ running: 2 }), ended({ passed: 2 }, 'passed')]), 'abcdefghij01', out, never, times)
  const [first, second, ...rest] = out.text().split('\r')
  expect([first, rest]).toEqual(['', ['ui passed in 1.5s: 2/2: 2 passed\n']])
  expect(second).toMatch(/^░{26} {2}0\/2: 2 running/)
})

test('of a thousand failures twenty are shown, and where the others are', async () => {
  const out = screen(undefined)
  const jobs = Array.from({ length: 1000 }, (_, i) => failedJob(i))
  await watchBatch(
    calls([ended({ failed: 1000 }, 'failed')], () => jobs),
    'abcdefghij01',
    out,
    never,
    times,
  )
  const lines = out.text().trimEnd().split('\n')
  expect(lines.filter((line) => line.startsWith('✗'))).toHaveLength(20)
  expect(lines.at(-2)).toBe('more have failed: runyard ls --batch abcdefghij01 --state failed')
})

test('a server that is away for a moment is waited for; another refusal is not', async () => {
  const away = new AppError('unavailable', 'no server')
  const done = ended({ passed: 1 }, 'passed')
  let told = 0
  const out = { ...screen(undefined), away: () => void (told += 1) }
  const began = aBatch({ running: 1 })
  const restarted = calls([began, away, away, away, began, away, done])
  expect(await watchBatch(restarted, 'abcdefghij01', out, never, times)).toBe(done)
  expect(told).toBe(2)
  const stays = watchBatch(calls([began, away]), 'abcdefghij01', out, never, { ...times, patienceMs: 20 })
  await expect(stays).rejects.toBe(away)
  const gone = calls([new AppError('not_found', 'there is no such batch')])
  await expect(watchBatch(gone, 'abcdefghij01', screen(undefined), never, times)).rejects.toThrow('no such batch')
})

test('quiet: nothing at all; a signal ends it', async () => {
  const out = screen(80, true)
  await watchBatch(calls([aBatch({ running: 1 }), ended({ failed: 1 }, 'failed')]), 'abcdefghij01', out, never, times)
  expect(out.text()).toBe('')
  const stop = new AbortController()
  const watching = watchBatch(calls([aBatch({ running: 1 })]), 'abcdefghij01', out, stop.signal, times)
  stop.abort()
  await expect(watching).rejects.toThrow(/abort/i)
  // Also while a server hangs: the request itself is given up.
  const given: (AbortSignal | undefined)[] = []
  const hangs = {
    batches: {
      get: (_: unknown, options?: { signal?: AbortSignal }) => {
        given.push(options?.signal)
        return new Promise(() => {})
      },
    },
  } as unknown as ReturnType<Parameters<typeof watchBatch>[0]>
  void watchBatch(() => hangs, 'abcdefghij01', out, stop.signal, times)
  expect(given).toEqual([stop.signal])
})

test('what a shell learns', () => {
  const codes = (['passed', 'failed', 'cancelled'] as const).map((status) => exitCodeOfBatch({ status }))
  expect(codes).toEqual([0, 1, 130])
})

test('tables: no escape sequence of a name, commands as one would type them', () => {
  const [, row] = batchTable([aBatch({ passed: 1 }, { name: 'evil \u001b[2J name' })]).split('\n')
  expect(row).toBe('abcdefghij01  evil  name  running  1       0       0        0        1         just now')
  expect(previewTable([{ name: 'n', command: ['sh', '-c', "it's"], matrix: { os: 'x' } }])).toBe(
    "#  os  NAME  COMMAND\n0  x   n     sh -c 'it'\\''s'\n",
  )
})
