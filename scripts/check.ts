/** `npm run check`: everything that must hold of the text itself, in seconds. `npm test` runs it too. */
import { runChecks } from './testing/checks.ts'
import { report } from './testing/tally.ts'

const tally = await runChecks()
console.log(report(tally))
process.exitCode = tally.failed > 0 ? 1 : 0
