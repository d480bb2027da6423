/** What runner and server say to each other is counted, so that those which do not fit part with a clear word. */
import { AppError } from '../lib/app-error.ts'

/** Rises with a change that the other side must know of; a new optional field is none. */
export const runnerProtocol = 2
/** 0: runners from before it was counted. */
const oldestProtocol = 0

export function checkProtocol(runner: { protocol: number; version: string }): void {
  const { protocol, version } = runner
  if (protocol >= oldestProtocol && protocol <= runnerProtocol) return
  const newer = protocol > runnerProtocol
  throw new AppError(
    'failed_precondition',
    `runner ${version} speaks protocol ${protocol}, this server ${oldestProtocol} to ${runnerProtocol}: ` +
      (newer ? 'update the server first' : 'update Runyard on the runner'),
  )
}
