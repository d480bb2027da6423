/** What a job prints, on its way from the pipes into its record file: masked, timed, cut at the job's output limit. */
import { encodeMark, encodeOutput } from '../../logs/records.ts'
import { compileSecrets, createRedactor } from '../../logs/redactor.ts'

/** Where records go: a record file, or memory. */
export interface RecordSink {
  /** Bytes of output that were appended and then given up. */
  readonly lostBytes: number
  /** Whole records of output. A promise when the disk is behind: wait for it before bringing more. */
  append(records: Buffer[]): Promise<void> | undefined
  appendMark(record: Buffer): void
  /** A promise until everything appended so far is written, or given up. */
  settled(): Promise<void> | undefined
}

export interface Collector {
  /** `bytes` may be used again by the caller. A promise when the disk is behind. */
  take(stream: 'stdout' | 'stderr', bytes: Buffer): Promise<void> | undefined
  /** Both pipes have ended: writes what the redactors held back and the closing mark. */
  finish(): Promise<void> | undefined
}

export interface CollectOptions {
  sink: RecordSink
  secrets: string[]
  /** Of stdout and stderr together; undefined keeps everything. */
  limitBytes: number | undefined
  /** Bytes of each stream that the sink has from before: the streams come again from their beginning. */
  already?: Record<'stdout' | 'stderr', number>
}

const nothingSecret = compileSecrets([])

export function collectOutput({ sink, secrets, limitBytes = Infinity, already }: CollectOptions): Collector {
  const matcher = secrets.length === 0 ? nothingSecret : compileSecrets(secrets)
  const redactors = { stdout: createRedactor(matcher), stderr: createRedactor(matcher) }
  const skip = { stdout: 0, stderr: 0, ...already }
  let room = limitBytes - skip.stdout - skip.stderr
  let discarded = 0
  let marked = 0

  const discardedInAll = (): number => discarded + sink.lostBytes
  const mark = (): void => {
    marked = discardedInAll()
    sink.appendMark(encodeMark(Date.now(), { kind: 'truncated', bytes: marked }))
  }
  const record = (stream: 'stdout' | 'stderr', all: Buffer): Promise<void> | undefined => {
    const bytes = skip[stream] === 0 ? all : all.subarray(Math.min(skip[stream], all.length))
    skip[stream] -= all.length - bytes.length
    if (bytes.length === 0) return undefined
    const kept = bytes.length <= room ? bytes : bytes.subarray(0, room)
    room -= kept.length
    discarded += bytes.length - kept.length
    const wait = kept.length > 0 ? sink.append(encodeOutput(stream, Date.now(), kept)) : undefined
    // Once at once, for those who follow; the total at the end.
    if (marked === 0 && discarded > 0) mark()
    return wait
  }
  const close = (): Promise<void> | undefined => {
    if (discardedInAll() > marked) mark()
    return sink.settled()
  }

  return {
    take: (stream, bytes) => record(stream, redactors[stream].push(bytes)),
    finish() {
      void record('stdout', redactors.stdout.flush())
      void record('stderr', redactors.stderr.flush())
      // Only now is it known how much a full disk has cost.
      const writing = sink.settled()
      return writing ? writing.then(close) : close()
    },
  }
}
