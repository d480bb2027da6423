/** The server away for 35 s by kill -9 and by SIGTERM, and restarts in turn under load. */
import { rollingRestart, serverAway } from '../../e2e/outages/server.ts'

export async function run(options: Map<string, string>): Promise<void> {
  const seconds = Number(options.get('seconds') ?? 35)
  await serverAway({ seconds }, console.log)
  await rollingRestart({ jobs: Number(options.get('jobs') ?? 600), rounds: 6 }, console.log)
}
