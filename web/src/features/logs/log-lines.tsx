import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react'
import { Alert } from '../../components/alert.tsx'
import type { Attempt, Job } from '../../lib/api.ts'
import { byteSize } from '../../lib/time.ts'
import { useKeys } from '../../lib/use-keys.ts'
import { isEnded } from '../jobs/states.ts'
import './log-colours.css'
import type { LogSnapshot } from './log-feed.ts'
import { LogLineRow } from './log-line.tsx'
import type { LogPlace } from './log-place.ts'
import { LogToolbar } from './log-toolbar.tsx'
import { useLogRows } from './use-log-rows.ts'
import { useLogSearch } from './use-log-search.ts'

interface LogLinesProps {
  job: Job
  attempts: Attempt[]
  log: LogSnapshot
  place: LogPlace
  onPlace: (change: LogPlace) => void
  downloadHref: string
  notice: ReactNode
  truncatedBytes: number
}

const count = new Intl.NumberFormat()

/** The lines that are on the screen, out of all that are here. */
export function LogLines({ job, attempts, log, place, onPlace, downloadHref, notice, truncatedBytes }: LogLinesProps) {
  const { buffer } = log
  const searchInput = useRef<HTMLInputElement>(null)
  const [wrap, setWrap] = useState(() => matchMedia('(max-width: 640px)').matches)
  const [times, setTimes] = useState(false)
  const [following, setFollowing] = useState(place.line === undefined && !isEnded(job.state))
  const first = buffer.firstNumber
  const rows = useLogRows({ log, wrap, following, setFollowing })
  const { toLine, toEnd } = rows
  const goTo = useCallback((line: number) => (setFollowing(false), toLine(line)), [toLine])
  const search = useLogSearch(log, goTo)
  const wentTo = useGoToLink(place.line, log, goTo)

  const follow = (on: boolean) => {
    setFollowing(on)
    if (on) toEnd()
  }
  const chosen = useRef({ line: place.line, onPlace })
  chosen.current = { line: place.line, onPlace }
  const onSelect = useCallback(
    (number: number) => {
      const line = number === chosen.current.line ? undefined : number
      wentTo.current = line
      chosen.current.onPlace({ line })
    },
    [wentTo],
  )
  useKeys({
    '/': () => searchInput.current?.focus(),
    // A link to the match, or to the line at the top; pressed again it is taken away.
    '#': () => {
      const line = search.current ?? place.line ?? rows.topLine
      if (line !== undefined) onSelect(line)
    },
    f: () => follow(!following),
    w: () => setWrap(!wrap),
    'g g': () => goTo(first),
    G: () => follow(true),
  })
  const numberWidth = `${Math.max(4, String(first + buffer.length).length + 2)}ch`
  return (
    <section
      aria-label="Log"
      className="flex min-h-0 min-w-0 flex-col overflow-hidden rounded-lg border border-line bg-log"
    >
      <LogToolbar
        place={place}
        onPlace={onPlace}
        attempts={attempts}
        downloadHref={downloadHref}
        wrap={wrap}
        onWrap={setWrap}
        times={times}
        onTimes={setTimes}
        following={following}
        onFollow={follow}
        search={search.control}
        searchRef={searchInput}
      />
      <Notices log={log} notice={notice} truncatedBytes={truncatedBytes} downloadHref={downloadHref} />
      <div
        ref={rows.scroller}
        role="region"
        aria-label="Log output"
        tabIndex={0}
        {...rows.handlers}
        className="h-[var(--log-height,max(20rem,calc(100dvh-9rem)))] overflow-auto xl:h-auto xl:min-h-0 xl:flex-1 overscroll-contain font-mono text-[0.78125rem] focus-visible:-outline-offset-2 [overflow-anchor:none]"
      >
        {buffer.length === 0 ? (
          <NothingYet log={log} job={job} />
        ) : (
          <div className="relative w-full" style={{ height: rows.height }}>
            <div className="absolute left-0 min-w-full" style={rows.place}>
              {rows.lines.map((line) => (
                <div key={line.number} data-log-row>
                  <LogLineRow
                    line={line}
                    needle={search.needle}
                    wrap={wrap}
                    times={times}
                    marked={place.stream === undefined}
                    selected={line.number === place.line}
                    found={line.number === search.current}
                    numberWidth={numberWidth}
                    onSelect={onSelect}
                  />
                </div>
              ))}
            </div>
          </div>
        )}
      </div>
      <p role="status" className="border-t border-line bg-surface px-3 py-1 text-xs text-muted tabular-nums">
        {statusLine(log, following, isEnded(job.state))}
      </p>
    </section>
  )
}

/** Goes to the line of the address as soon as it is here, and again when the address changes. What is chosen in sight stays. */
function useGoToLink(line: number | undefined, log: LogSnapshot, goTo: (line: number) => void) {
  const done = useRef<number | undefined>(undefined)
  const arrived = line !== undefined && log.buffer.firstNumber + log.buffer.length > line
  useEffect(() => {
    if (line === undefined) done.current = undefined
    if (!arrived || done.current === line) return
    done.current = line
    goTo(line)
  }, [arrived, line, goTo])
  return done
}

function Notices({
  log,
  notice,
  truncatedBytes,
  downloadHref,
}: Pick<LogLinesProps, 'log' | 'notice' | 'truncatedBytes' | 'downloadHref'>) {
  const look =
    'flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-running-soft px-3 py-1.5 text-sm text-running'
  return (
    <>
      {notice && <div className={look}>{notice}</div>}
      {log.buffer.dropped > 0 && (
        <div className={look}>
          The first {count.format(log.buffer.firstNumber - 1)} lines are not kept in this page.
          <a href={downloadHref} download className="font-medium underline underline-offset-2">
            Download the whole log
          </a>
        </div>
      )}
      {truncatedBytes > 0 && (
        <div className={look}>
          The job wrote {byteSize(truncatedBytes)} more than its output limit; they were not kept.
        </div>
      )}
      {log.error && <Alert className="m-2">The log cannot be read: {log.error}</Alert>}
    </>
  )
}

function NothingYet({ log, job }: { log: LogSnapshot; job: Job }) {
  const text =
    log.state === 'ended'
      ? isEnded(job.state) && job.last_attempt === 0
        ? 'The job never ran, so there is no log.'
        : 'The job wrote nothing.'
      : job.state === 'running'
        ? 'The job has written nothing yet.'
        : isEnded(job.state)
          ? 'Reading the log…'
          : 'The log begins when the job starts.'
  return <p className="p-4 font-sans text-base text-muted">{text}</p>
}

function statusLine(log: LogSnapshot, following: boolean, over: boolean): string {
  const lines = log.buffer.firstNumber - 1 + log.buffer.length
  const text = lines === 1 ? '1 line' : `${count.format(lines)} lines`
  if (log.state === 'ended') return `${text} · complete`
  if (log.state === 'live' && over) return `${text} · reading the rest`
  if (log.state === 'live') return `${text} · ${following ? 'following' : 'live'}`
  return log.state === 'failed' ? 'not available' : 'waiting'
}
