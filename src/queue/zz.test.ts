import { test } from 'vitest'
import { queueWorld, checkCounts } from '../../test/queue-world.ts'
test('laps', async () => {
  let t = performance.now()
  const lap = (w: string) => { process.stderr.write(`${w} ${(performance.now() - t).toFixed(0)}\n`); t = performance.now() }
  const world = await queueWorld()
  lap('world')
  await world.submit(...Array.from({ length: 10_000 }, () => ({})))
  lap('submit')
  const runner = await world.runner({ slots: 10_000 })
  const jobs = await runner.claim()
  lap('claim')
  const wrong = { ...jobs[0]!, token: "1" + jobs[0]!.token }
  const { results, changed } = await runner.finishAll([wrong, ...jobs, jobs[5]!])
  lap('finish')
  await world.states()
  lap('states')
  await checkCounts(world.db)
  lap('check')
}, 60000)
