/** The database away for 35 s and for longer than lease and grace, with the default settings. */
import { cutTransactions, embeddedDies, longOutage, shortOutage } from '../../e2e/outages/database.ts'

export const usage = '[--seconds 35]'

export async function run(options: Record<string, string>): Promise<void> {
  const seconds = Number(options['seconds'] ?? 35)
  for (const how of ['kill', 'immediate'] as const) {
    console.log(`database away for ${seconds} s (${how})`)
    await shortOutage({ how, seconds }, console.log)
  }
  console.log('database away for 75 s')
  await longOutage({ seconds: 75 }, console.log)
  console.log('connections cut for 60 s')
  await cutTransactions({ seconds: 60 }, console.log)
  console.log('embedded database killed')
  await embeddedDies(console.log)
}
