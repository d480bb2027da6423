/** The whole record file of a short job, as it comes with the report of its end. */
import { AppError } from '../lib/app-error.ts'
import type { ShortLog } from './log-store.ts'
import { DamagedRecord, eachRecord, maxPayload } from './records.ts'
import { count, type Scan } from './scan.ts'

/** Longer ones are appended. A little more than the 64 KiB that a runner sends, for headers and marks. */
export const longestShortLog = maxPayload + 32 * 1024

/** Refuses what is not a record file of exactly this length. */
export function shortLog(given: Uint8Array, length: number): ShortLog {
  if (given.length > longestShortLog) throw refused(`more than ${longestShortLog} bytes: append it`)
  if (given.length !== length) throw refused(`${given.length} bytes, and log_length says ${length}`)
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.length)
  const sums: Scan = { length: 0, stdoutBytes: 0, stderrBytes: 0, truncatedBytes: 0 }
  try {
    sums.length = eachRecord(bytes, (record) => {
      count(sums, record, bytes)
    })
  } catch (error) {
    if (!(error instanceof DamagedRecord || error instanceof SyntaxError)) throw error
    throw refused(error.message)
  }
  if (sums.length !== length) throw refused(`the last record is not whole`)
  const { stdoutBytes, stderrBytes, truncatedBytes } = sums
  return {
    bytes,
    sums: { length, stdout_bytes: stdoutBytes, stderr_bytes: stderrBytes, truncated_bytes: truncatedBytes },
  }
}

const refused = (why: string): AppError =>
  new AppError('invalid_argument', `the log of a report is not a whole record file: ${why}`)
