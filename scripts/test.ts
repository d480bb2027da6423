/**
 * `npm test`: system packages where we may, the checks, every test on both databases. Says at the end what was skipped
 * and why, what failed, and in the last line how many.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { externalMissing } from '../test/servers.ts'
import { runChecks } from './testing/checks.ts'
import { run, stop } from './testing/command.ts'
import { leftBehind, makeRunDir, removeRunDir } from './testing/run-dir.ts'
import { installMissing } from './testing/system-packages.ts'
import { add, oneFailed, onePassed, oneSkipped, report, type Tally } from './testing/tally.ts'

async function runVitest(dir: string): Promise<Tally> {
  const file = join(dir, '.tally.json')
  const reporters = ['--reporter=default', '--reporter=./scripts/testing/tally-reporter.ts']
  const { code, output } = await run('vitest', ['run', '--passWithNoTests', ...reporters, ...process.argv.slice(2)], {
    env: { RUNYARD_TEST_TALLY: file, TMPDIR: dir, NODE_ENV: 'test' },
    limitMs: 23 * 60_000,
  })
  try {
    const { complete, ...tally } = JSON.parse(readFileSync(file, 'utf8')) as Tally & { complete: boolean }
    if (!complete) return add(tally, oneFailed(`vitest was ended (${code}) before its end${output}`))
    return code !== 0 && tally.failed === 0 ? add(tally, oneFailed(`vitest ended with ${code}`)) : tally
  } catch {
    return oneFailed(`vitest ended (${code}) without a result${output}`)
  }
}

// Each waits for what the other does not use: packages for the network and the disk, checks for the processors.
let [tally] = await Promise.all([runChecks(), installMissing()])
const missing = externalMissing()
if (missing) tally = add(tally, oneSkipped('the database tests on an external PostgreSQL', missing))
const dir = makeRunDir()
try {
  if (!stop.asked) tally = add(tally, await runVitest(dir))
  const left = await leftBehind(dir)
  if (stop.asked) tally = add(tally, oneFailed('the run was stopped'))
  else tally = add(tally, left.length === 0 ? onePassed() : oneFailed(`left behind by tests: ${left.join('; ')}`))
} finally {
  try {
    removeRunDir(dir)
  } catch (error) {
    // A run that was ended in its middle may leave a mount; the figures are worth more than this.
    tally = add(tally, oneFailed(`${dir} cannot be removed: ${String(error)}`))
  }
}
console.log(report(tally))
process.exitCode = tally.failed > 0 ? 1 : 0
