import { useState } from 'react'
import { Button } from '../../components/button.tsx'
import { logUrl, type Attempt, type Job } from '../../lib/api.ts'
import { byteSize } from '../../lib/time.ts'
import { LogLines } from './log-lines.tsx'
import type { LogPlace } from './log-place.ts'
import { useLog } from './use-log.ts'

interface LogViewProps {
  job: Job
  attempts: Attempt[]
  place: LogPlace
  onPlace: (change: LogPlace) => void
}

/** Of a finished log larger than this only the end is read; the rest is a download away. */
const readWhole = 96 * 1024 * 1024
const readEnd = 16 * 1024 * 1024

/** The log of a job: which attempt, which stream, and from where. */
export function LogView({ job, attempts, place, onPlace }: LogViewProps) {
  const stream = place.stream ?? 'all'
  const [fromStart, setFromStart] = useState(false)
  const newest = attempts.at(-1)
  const shown = place.attempt === undefined ? newest : attempts.find(({ number }) => number === place.attempt)
  const size = shown?.log ? bytesOf(shown.log, stream) : 0
  const cut = !fromStart && size > readWhole
  const log = useLog({
    jobId: job.id,
    attempt: cut ? shown?.number : place.attempt,
    stream,
    offset: cut ? size - readEnd : 0,
  })
  const attempt = place.attempt ?? log.attempt ?? undefined
  return (
    <LogLines
      key={`${stream} ${place.attempt} ${cut}`}
      job={job}
      attempts={attempts}
      log={log}
      place={place}
      onPlace={onPlace}
      downloadHref={logUrl({ id: job.id, stream, attempt })}
      notice={
        cut && (
          <>
            The log has {byteSize(size)}; its last {byteSize(readEnd)} are shown, and lines are counted from there.
            <Button size="small" onClick={() => setFromStart(true)}>
              Read all of it
            </Button>
          </>
        )
      }
      truncatedBytes={shown?.log?.truncated_bytes ?? 0}
    />
  )
}

function bytesOf(log: NonNullable<Attempt['log']>, stream: 'all' | 'stdout' | 'stderr'): number {
  if (stream === 'stdout') return log.stdout_bytes
  if (stream === 'stderr') return log.stderr_bytes
  return log.stdout_bytes + log.stderr_bytes
}
