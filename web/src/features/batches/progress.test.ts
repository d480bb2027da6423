import { expect, test } from 'vitest'
import { etaMs, failureGroups, percentDone } from './progress.ts'
import { failedMember, sampleBatch, sampleMember } from './sample.ts'

const counts = (passed: number, total: number) => ({
  waiting: total - passed,
  running: 0,
  passed,
  failed: 0,
  cancelled: 0,
  total,
})
const start = Date.parse('2026-11-22T10:00:10.000Z')

test('the rest takes as long as what is done did; what cannot be known is not said', () => {
  const batch = sampleBatch()
  expect(etaMs(batch, start + 20_000)).toBe(80_000)
  expect(etaMs(batch, start + 500)).toBeNull()
  expect(etaMs(sampleBatch({ counts: counts(0, 100) }), start + 20_000)).toBeNull()
  expect(etaMs(sampleBatch({ started_at: null }), start + 20_000)).toBeNull()
  expect(etaMs(sampleBatch({ ended_at: '2026-11-22T10:01:00.000Z' }), start + 20_000)).toBeNull()
})

test('100% is said only when all have ended', () => {
  expect(percentDone(counts(9_999, 10_000))).toBe(99)
  expect(percentDone(counts(10_000, 10_000))).toBe(100)
  expect(percentDone(counts(0, 3))).toBe(0)
})

test('members that failed alike are one group, whatever numbers they name; exit codes stay apart', () => {
  const groups = failureGroups([
    failedMember(1, 'could not reach port 4001'),
    failedMember(2, 'could not reach port 4002'),
    failedMember(3, null, 1),
    failedMember(4, null, 2),
    failedMember(5, 'exited with code 20; report r.xml: line 7', 20),
    failedMember(6, 'exited with code 20; report r.xml: line 11', 20),
    failedMember(7, 'exited with code 21; report r.xml: line 7', 21),
    sampleMember(8),
  ])
  expect(groups.map(({ text, members }) => [text, members.length])).toEqual([
    ['could not reach port 4001', 2],
    ['exited with code 20; report r.xml: line 7', 2],
    ['exit code 1', 1],
    ['exit code 2', 1],
    ['exited with code 21; report r.xml: line 7', 1],
  ])
})
