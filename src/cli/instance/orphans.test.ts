import { expect, test } from 'vitest'
import type { JobState } from '../../job/state.ts'
import { createOrphans } from './orphans.ts'

test('a job that nobody waits for is asked, then killed; one that has ended is left alone', async () => {
  const states: Record<string, JobState> = { stubborn: 'running', polite: 'running' }
  const asked: string[] = []
  const orphans = createOrphans(150)
  orphans.add('stubborn')
  orphans.begin({
    async cancel({ id, force }) {
      asked.push(force ? `kill ${id}` : id)
      if (force || id === 'polite') states[id] = 'cancelled'
    },
    get: async ({ id }) => ({ state: states[id]! }),
  })
  orphans.add('polite')
  await orphans.ended(() => false)
  expect(asked).toEqual(['stubborn', 'polite', 'kill stubborn'])
})
