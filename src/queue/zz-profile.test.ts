import { test } from 'vitest'
import { good, queueWorld } from '../../test/queue-world.ts'
import { openDb } from '../db/pool.ts'
test('p', { timeout: 200000 }, async () => {
  const world = await queueWorld()
  const t0 = performance.now()
  await world.submit(...Array.from({ length: 10_000 }, () => ({})))
  console.log('submit', performance.now() - t0)
  const runner = await world.runner({ slots: 10_000 })
  const q = world.db.tx
  const spy = (tx: any) => ({ query: async (s: any, v: any) => { const t = performance.now(); const r = await tx.query(s, v); const d = performance.now() - t; if (d > 50) console.log((s.name ?? s.text ?? s).slice(0, 40), d); return r } })
  ;(world.db as any).tx = (fn: any) => q((tx) => fn(spy(tx)))
  const oq = world.db.query
  ;(world.db as any).query = spy({ query: oq }).query
  let t = performance.now()
  const jobs = await runner.claim()
  console.log('claim', performance.now() - t)
  t = performance.now()
  await runner.finishAll(jobs, good)
  console.log('finish', performance.now() - t)
})
