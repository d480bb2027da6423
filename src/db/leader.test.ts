import { afterAll, beforeAll, expect, test } from 'vitest'
import { testDatabase, type TestDatabase } from '../../test/database.ts'
import { until } from '../../test/until.ts'
import { withLeadership } from './leader.ts'

let base: TestDatabase
beforeAll(async () => {
  base = await testDatabase()
})
afterAll(() => base.drop())

const fast = { retryMs: 20, probeMs: 50, probeTimeoutMs: 500 }
const whileLeading = (log: string[], who: string) => (lost: AbortSignal) =>
  new Promise<void>((resolve) => {
    log.push(`${who} leads`)
    lost.addEventListener('abort', () => {
      log.push(`${who} ends`)
      resolve()
    })
  })

test('one of three leads; when it stops, another takes over, and no two at once', async () => {
  const log: string[] = []
  const all = ['a', 'b', 'c'].map((who) => withLeadership(base.url, 'upkeep', whileLeading(log, who), fast))
  try {
    for (let turn = 0; turn < 3; turn++) {
      await until(() => log.length === turn * 2 + 1, `leader ${turn}`)
      const leaders = all.filter((one) => one.isLeader())
      expect(leaders).toHaveLength(1)
      await leaders[0]!.stop()
    }
  } finally {
    await Promise.all(all.map((one) => one.stop()))
  }
  for (let i = 0; i < 6; i += 2) expect(log[i + 1]).toBe(log[i]!.replace('leads', 'ends'))
})

test('a leader whose session is lost is told, and leads again later', async () => {
  const log: string[] = []
  const one = withLeadership(base.url, 'solo', whileLeading(log, 'a'), fast)
  try {
    await until(() => log.length === 1)
    await base.db.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '%lead solo'",
    )
    await until(() => log.length === 3, 'leading again')
    expect(log).toEqual(['a leads', 'a ends', 'a leads'])
  } finally {
    await one.stop()
  }
})

test('work that fails gives the lock to whoever comes first and is tried again', async () => {
  let runs = 0
  const one = withLeadership(
    base.url,
    'failing',
    async () => {
      runs++
      throw new Error('upkeep broke')
    },
    fast,
  )
  try {
    await until(() => runs >= 2, 'a second run')
  } finally {
    await one.stop()
  }
  expect(one.isLeader()).toBe(false)
})

test('different names do not hinder each other', async () => {
  const log: string[] = []
  const all = ['x', 'y'].map((name) => withLeadership(base.url, name, whileLeading(log, name), fast))
  try {
    await until(() => all.every((one) => one.isLeader()))
  } finally {
    await Promise.all(all.map((one) => one.stop()))
  }
})
