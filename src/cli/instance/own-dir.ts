/** The data and the run directory, with words that help when they cannot be made. */
import { AppError, isAppError } from '../../lib/app-error.ts'
import { ensurePrivateDir, passableMode } from '../../lib/private-dir.ts'

const told = {
  data: { what: 'the data directory', how: 'RUNYARD_DATA_DIR or --data-dir' },
  run: { what: 'the directory for sockets', how: 'RUNYARD_RUN_DIR or --run-dir' },
}

export async function ensureOwnDir(kind: keyof typeof told, path: string): Promise<void> {
  const { what, how } = told[kind]
  try {
    await ensurePrivateDir(path, passableMode())
  } catch (cause) {
    const why = isAppError(cause) ? `: ${cause.message}` : ` ${path} (${(cause as NodeJS.ErrnoException).code})`
    throw new AppError('failed_precondition', `cannot use ${what}${why}; name one that you may write with ${how}`, {
      cause,
    })
  }
}
