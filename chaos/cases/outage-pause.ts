/**
 * SIGSTOP of each process for 0.5, 1.5 and 4 leases of 30 s. `--part server|runner|launcher|postmaster|backend` for one
 * of them; all together take 17 minutes.
 */
import { parts, pauses, staleExtensions, type Part } from '../../e2e/outages/pause.ts'

export const usage = '[--part server|runner|launcher|postmaster|backend] [--leases 0.5,1.5,4]'

export async function run(options: Record<string, string>): Promise<void> {
  const only = options['part'] as Part | undefined
  const leases = (options['leases'] ?? '0.5,1.5,4').split(',').map(Number)
  const rounds = [{ parts: only === undefined ? parts : [only], leases }]
  await pauses({ leaseSeconds: 30, rounds }, console.log)
  if (only === undefined || only === 'launcher') await staleExtensions(console.log)
}
