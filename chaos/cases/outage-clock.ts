/** The date of server, runner and database jumps by an hour and by a day, forward and back. */
import { clockJumps } from '../../e2e/outages/clock.ts'

const all = [3600, -3600, 86_400, -86_400]

export async function run(): Promise<void> {
  await clockJumps({ seconds: 10, jumps: { server: all, runner: all, database: all }, takeOver: all }, console.log)
}
