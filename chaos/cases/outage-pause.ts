/**
 * SIGSTOP of each process for 0.5, 1.5 and 4 leases of 30 s. `--part server|runner|launcher|postmaster|backend` for one
 * of them; all together take 17 minutes.
 */
import { parts, pauses, staleExtensions, type Part } from '../../e2e/outages/pause.ts'

export async function run(options: Map<string, string>): Promise<void> {
  const only = options.get('part') as Part | undefined
  const leases = (options.get('leases') ?? '0.5,1.5,4').split(',').map(Number)
  const rounds = [{ parts: only === undefined ? parts : [only], leases }]
  await pauses({ leaseSeconds: 30, rounds }, console.log)
  if (only === undefined || only === 'launcher') await staleExtensions(console.log)
}
