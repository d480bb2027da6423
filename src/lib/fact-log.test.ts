import { expect, test } from 'vitest'
import { emitFact } from './facts.ts'
import { logFacts } from './fact-log.ts'

test('facts become lines of their level, until it is stopped', () => {
  const lines: Record<string, unknown>[] = []
  const stop = logFacts('info', { write: (line: string) => void lines.push(JSON.parse(line) as never) })
  emitFact({ name: 'job.leased', id: 'abc' })
  emitFact({ name: 'job.promoted', level: 'debug', count: 1 })
  emitFact({ name: 'db.away', level: 'warn' })
  stop()
  emitFact({ name: 'job.leased', id: 'late' })
  expect(lines.map(({ level, msg, id }) => [level, msg, id])).toEqual([
    ['info', 'job.leased', 'abc'],
    ['warn', 'db.away', undefined],
  ])
})
