/** The server away for 35 s by kill -9 and by SIGTERM, and restarts in turn under load. */
import { rollingRestart, serverAway } from '../../e2e/outages/server.ts'

export const usage = '[--seconds 35] [--jobs 600]'

export async function run(options: Record<string, string>): Promise<void> {
  const seconds = Number(options['seconds'] ?? 35)
  await serverAway({ seconds }, console.log)
  await rollingRestart({ jobs: Number(options['jobs'] ?? 600), rounds: 6 }, console.log)
}
