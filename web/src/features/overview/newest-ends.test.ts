import { expect, test } from 'vitest'
import type { Job } from '../../lib/api.ts'
import { newestEnds } from './newest-ends.ts'

const job = (id: string, ended_at: string | null, executor = 'sandbox') => ({ id, ended_at, executor }) as Job

test('the last end is first, whenever the job was created; messages and open jobs are not among them', () => {
  const jobs = [
    job('old', '2026-11-22T10:00:00Z'),
    job('long', '2026-11-22T12:00:00Z'),
    job('note', '2026-11-22T13:00:00Z', 'message'),
    job('open', null),
    job('mid', '2026-11-22T11:00:00Z'),
  ]
  expect(newestEnds(jobs, 2).map(({ id }) => id)).toEqual(['long', 'mid'])
})
