/**
 * `npm test`: system packages where we may, the checks, every test on both databases. Says at the end what was skipped
 * and why, what failed, and in the last line how many.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { externalMissing } from '../test/servers.ts'
import { runChecks } from './testing/checks.ts'
import { run, stop } from './testing/command.ts'
import { leftBehind } from './testing/left-behind.ts'
import { installMissing } from './testing/system-packages.ts'
import { add, oneFailed, onePassed, oneSkipped, report, type Tally } from './testing/tally.ts'

async function runVitest(): Promise<Tally> {
  const dir = mkdtempSync(join(tmpdir(), 'runyard-tally-'))
  const file = join(dir, 'tally.json')
  try {
    const reporters = ['--reporter=default', '--reporter=./scripts/testing/tally-reporter.ts']
    const args = ['run', '--passWithNoTests', ...reporters, ...process.argv.slice(2)]
    const { code, output } = await run('vitest', args, {
      env: { RUNYARD_TEST_TALLY: file, NODE_ENV: 'test' },
      limitMs: 20 * 60_000,
    })
    let tally: Tally
    try {
      tally = JSON.parse(readFileSync(file, 'utf8')) as Tally
    } catch {
      return oneFailed(`vitest ended (${code}) without a result${output}`)
    }
    return code !== 0 && tally.failed === 0 ? add(tally, oneFailed(`vitest ended with ${code}`)) : tally
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

await installMissing()
let tally = await runChecks()
const before = leftBehind()
if (!stop.asked) tally = add(tally, await runVitest())
const missing = externalMissing()
if (missing) tally = add(tally, oneSkipped('the database tests on an external PostgreSQL', missing))
const left = leftBehind().filter((process) => !before.includes(process))
tally = add(tally, left.length === 0 ? onePassed() : oneFailed(`the tests left processes behind: ${left.join('; ')}`))
if (stop.asked) tally = add(tally, oneFailed('the run was stopped'))
console.log(report(tally))
process.exitCode = tally.failed > 0 ? 1 : 0
