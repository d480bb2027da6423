/** Two servers, three runners, one PostgreSQL, and everything that can happen to them; `--profile` names how much. */
import { kindNames } from '../fleet/faults.ts'
import { networkMissing } from '../fleet/network.ts'
import { profiles, type Profile, type ProfileName } from '../fleet/profiles.ts'
import { runFleet, summaryOf } from '../fleet/run.ts'
import { writeEvidence } from '../evidence-file.ts'
import { printViolations } from '../trial.ts'

export const usage =
  '--profile smoke|full|soak [--seed N] [--jobs N] [--faults N] [--gap MS] [--only "F1 server,F5 kill"] [--root DIR] [--keep] [--evidence DIR]'

export async function run(options: Record<string, string>): Promise<number> {
  const name = options['profile'] ?? 'smoke'
  if (!(name in profiles)) throw new Error(`--profile is ${Object.keys(profiles).join(', ')}, not "${name}"`)
  const missing = networkMissing()
  if (missing) throw new Error(`cannot run: ${missing}`)
  const usual: Profile = profiles[name as ProfileName]
  const profile: Profile = {
    ...usual,
    jobs: Number(options['jobs'] ?? usual.jobs),
    faults: Number(options['faults'] ?? usual.faults),
    gapMs: Number(options['gap'] ?? usual.gapMs),
    kinds: options['only'] ? kindNames.filter((kind) => options['only']!.split(',').includes(kind)) : usual.kinds,
  }
  const seed = options['seed'] ?? String(Date.now() % 1_000_000)
  const begun = performance.now()
  console.log(
    `profile ${name}: ${profile.jobs} jobs, ${profile.faults} faults; again with --profile ${name} --seed ${seed}`,
  )
  for (const line of profile.without) console.log(`not checked: ${line}`)
  const result = await runFleet({
    seed,
    profile,
    root: options['root'],
    keep: options['keep'] !== undefined,
    say: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`),
  })
  for (const line of summaryOf(result.evidence)) console.log(line)
  printViolations(result.violations)
  if (options['evidence']) writeEvidence(options['evidence'], `${name}-${seed}`, result.evidence)
  const seconds = ((performance.now() - begun) / 1000).toFixed(0)
  console.log(`${name}, seed ${seed}: ${result.violations.length} violations in ${seconds} s`)
  return result.violations.length === 0 ? 0 : 1
}
