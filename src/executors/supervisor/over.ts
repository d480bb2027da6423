/** An attempt that has ended and is held until the runner has reported it. */
import type { Usage } from '../../job/outcome.ts'
import type { EndEvent, LogState } from '../launcher/protocol.ts'
import type { RecordFile } from '../output/record-file.ts'
import type { Attempt } from './attempt.ts'
import type { End } from './end.ts'
import { unlinkIfThere } from './state-file.ts'

export interface Over {
  event(): EndEvent
  usage(): Usage
  /** Puts on disk what is in memory alone. */
  persist(): Promise<void>
  remove(): Promise<void>
}

export function logStateOf(log: RecordFile): LogState {
  return {
    length: log.length,
    ...(log.tail.length > 0 ? { tail: log.tail.toString('base64') } : {}),
    ...(log.broken ? { broken: log.broken.message } : {}),
  }
}

export function overOf(attempt: Attempt): Over {
  const { log } = attempt
  const { state } = attempt.parts
  const end = attempt.end!
  return {
    event: () => {
      const whole = log.whole()
      const said = logStateOf(log)
      if (whole === null) return { end, log: said }
      return { end, log: { ...said, length: whole.length }, whole: whole.toString('base64') }
    },
    usage: () => usageOf(end),
    async persist() {
      if (!log.empty) log.toFile()
      await log.settled()
    },
    async remove() {
      state.free()
      await attempt.report?.remove()
      if (log.inFile) {
        await log.close()
        unlinkIfThere(log.path)
      }
    },
  }
}

interface OnDisk {
  stateFile: string
  recordFile: string
  reportFile: string
}

/** From the files of an earlier launcher. `length`: of whole records in the record file. */
export function overOnDisk({ stateFile, recordFile, reportFile }: OnDisk, end: End, length: number): Over {
  return {
    event: () => ({ end, log: { length } }),
    usage: () => usageOf(end),
    async persist() {},
    async remove() {
      unlinkIfThere(stateFile)
      unlinkIfThere(recordFile)
      unlinkIfThere(reportFile)
    },
  }
}

const usageOf = (end: End): Usage => ('ended' in end ? end.ended.usage : {})
