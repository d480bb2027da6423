/** Run by `sandbox-user.test.ts` as an ordinary user: jobs in, as JSON argument, results out. */
import type { Overrides } from './orders.ts'
import { createRig } from './rig.ts'

interface Job {
  command: string[]
  overrides?: Overrides
  /** Stop it after this time, with this grace. */
  stop?: { afterMs: number; graceMs: number }
}

const jobs = JSON.parse(process.argv[2] ?? '[]') as Job[]
const rig = await createRig()
const results: unknown[] = []
for (const { command, overrides, stop } of jobs) {
  try {
    if (stop === undefined) {
      results.push(await rig.run(command, overrides))
      continue
    }
    const { attempt } = await rig.start(command, overrides)
    await new Promise((resolve) => setTimeout(resolve, stop.afterMs))
    await attempt.stop('cancelled', stop.graceMs)
    results.push(await attempt.ended)
    await attempt.release()
  } catch (error) {
    const { errorClass, message } = error as Error & { errorClass?: string }
    results.push({ errorClass, message })
  }
}
const facilities = await rig.executor.probe()
const left = rig.leftovers()
await rig.close()
process.stdout.write(JSON.stringify({ results, facilities, left }))
