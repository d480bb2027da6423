/**
 * `npm ci` ends here: builds the program and the dashboard when what they are made of has changed. An install without
 * the development dependencies builds nothing, and a build that fails does not fail the install: the program runs from
 * its sources then, everything but the dashboard works, and the last line says what is missing. `--strict` (CI, packing)
 * does fail.
 */
import { existsSync } from 'node:fs'
import { buildProgram } from './program.ts'
import { buildWeb, webStamp } from './web.ts'

try {
  const program = await buildProgram()
  if (program === 'built') console.log('The program is bundled.')
  const web = await buildWeb()
  if (web === 'built') console.log('The dashboard is built.')
  if (web === 'no tools' && !existsSync(webStamp)) {
    console.log('The dashboard is not built: development dependencies are missing (npm ci --include=dev).')
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  console.error('Not all could be built; what runs, runs from the sources. After fixing the cause: npm run prepare')
  if (process.argv.includes('--strict')) process.exitCode = 1
}
