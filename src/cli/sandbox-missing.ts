/** Without bubblewrap nothing is isolated, so nothing is run: better to hear it before a server is started for it. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { JobSpecInput } from '../job/spec.ts'
import { AppError } from '../lib/app-error.ts'
import { setupLine } from './setup-line.ts'

export function refuseWithoutSandbox(spec: JobSpecInput, path = process.env.PATH ?? ''): void {
  if ((spec.executor ?? 'sandbox') !== 'sandbox') return
  if (spec.isolation === 'none' || path.split(delimiter).some((dir) => dir !== '' && isProgram(join(dir, 'bwrap'))))
    return
  throw new AppError(
    'failed_precondition',
    `bubblewrap is missing, and without it nothing is isolated: \`${setupLine()}\` installs it`,
  )
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
