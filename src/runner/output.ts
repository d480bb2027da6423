/** What a job prints, on its way from the pipes into the spool: masked, timed, cut at the job's output limit. */
import { encodeMark, encodeOutput } from '../logs/records.ts'
import { createRedactor } from '../logs/redactor.ts'
import type { Spool } from './spool.ts'

export interface Output {
  /** A promise when the disk is behind. */
  take(stream: 'stdout' | 'stderr', bytes: Buffer): Promise<void> | undefined
  /** Both pipes have ended: writes what the redactors held back and the closing mark. */
  finish(): Promise<void>
}

export interface OutputOptions {
  spool: Spool
  secrets: string[]
  /** Of stdout and stderr together; undefined keeps everything. */
  limitBytes: number | undefined
  /** Of what an earlier runner process has recorded already. */
  recordedBytes?: number
}

export function collectOutput({ spool, secrets, limitBytes = Infinity, recordedBytes = 0 }: OutputOptions): Output {
  const redactors = { stdout: createRedactor(secrets), stderr: createRedactor(secrets) }
  let room = Math.max(0, limitBytes - recordedBytes)
  let discarded = 0
  let marked = 0

  const discardedInAll = () => discarded + spool.lostBytes
  const mark = () => {
    marked = discardedInAll()
    spool.appendMark(encodeMark(Date.now(), { kind: 'truncated', bytes: marked }))
  }

  const record = (stream: 'stdout' | 'stderr', bytes: Buffer) => {
    const kept = bytes.length <= room ? bytes : bytes.subarray(0, room)
    room -= kept.length
    discarded += bytes.length - kept.length
    const wait = kept.length > 0 ? spool.append(encodeOutput(stream, Date.now(), kept)) : undefined
    // Once at once, for those who follow; the total at the end.
    if (marked === 0 && discarded > 0) mark()
    return wait
  }

  return {
    take: (stream, bytes) => record(stream, redactors[stream].push(bytes)),
    async finish() {
      void record('stdout', redactors.stdout.flush())
      void record('stderr', redactors.stderr.flush())
      await spool.settled()
      if (discardedInAll() > marked) mark()
      await spool.settled()
    },
  }
}
