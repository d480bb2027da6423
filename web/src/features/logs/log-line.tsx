import { memo, type ReactNode } from 'react'
import { cn } from '../../lib/cn.ts'
import { segments, type Segment } from './ansi.ts'
import type { LogLine } from './log-buffer.ts'
import { occurrences } from './log-search.ts'

interface LogLineProps {
  line: LogLine
  /** Lower case; marked where it stands. */
  needle: string
  wrap: boolean
  times: boolean
  /** Both streams are shown, so each line says which one it is of. */
  marked: boolean
  selected: boolean
  found: boolean
  numberWidth: string
  onSelect: (number: number) => void
}

/** One line of a log. Its text only ever becomes text nodes. */
export const LogLineRow = memo(function LogLineRow(props: LogLineProps) {
  const { line, wrap, times, marked, selected, found } = props
  return (
    <div
      className={cn(
        'flex min-w-full border-l-2 pr-4 leading-5',
        wrap ? '' : 'w-max',
        marked && line.stream === 'stderr' ? 'border-failed-fill' : 'border-transparent',
        selected ? 'bg-accent-soft' : found ? 'bg-mark/40' : 'hover:bg-sunken',
      )}
    >
      <button
        type="button"
        tabIndex={-1}
        style={{ width: props.numberWidth }}
        title="Link to this line"
        onClick={() => props.onSelect(line.number)}
        className="sticky left-0 mr-3 flex shrink-0 items-start justify-end bg-log px-2 text-muted tabular-nums select-none hover:text-accent"
      >
        {line.number}
      </button>
      {times && <span className="mr-3 shrink-0 text-muted tabular-nums select-none">{clock(line.time)}</span>}
      {marked && line.stream === 'stderr' && <span className="sr-only">stderr: </span>}
      <span
        dir="ltr"
        data-log-text
        className={cn(
          '[unicode-bidi:isolate]',
          // Exactly so many characters a row: how high a line is can then be told from its length.
          wrap ? 'min-w-0 flex-1 [line-break:anywhere] whitespace-break-spaces' : 'whitespace-pre',
        )}
      >
        {line.stream === 'note' ? (
          <span className="font-sans text-running">— {line.text}</span>
        ) : (
          pieces(segments(line.text, line.carried), props.needle)
        )}
        {!wrap && '\n'}
      </span>
    </div>
  )
})

function pieces(list: Segment[], needle: string): ReactNode {
  const places = needle === '' ? [] : occurrences(list.map((segment) => segment.text).join(''), needle)
  let position = 0
  return list.map((segment, index) => {
    const content = places.length === 0 ? segment.text : marked(segment.text, position, places)
    position += segment.text.length
    if (segment.className === '' && !segment.colour && !segment.background) return <span key={index}>{content}</span>
    return (
      <span key={index} className={segment.className} style={{ color: segment.colour, background: segment.background }}>
        {content}
      </span>
    )
  })
}

/** The parts of a segment that a match covers; a match may begin in one segment and end in another. */
function marked(text: string, start: number, places: [number, number][]): ReactNode[] {
  const out: ReactNode[] = []
  let at = 0
  for (const [from, to] of places) {
    const begin = Math.max(from - start, at)
    const end = Math.min(to - start, text.length)
    if (end <= begin) continue
    if (begin > at) out.push(text.slice(at, begin))
    out.push(
      <mark key={from} className="rounded-[2px] bg-mark text-text">
        {text.slice(begin, end)}
      </mark>,
    )
    at = end
  }
  if (at < text.length) out.push(text.slice(at))
  return out
}

function clock(time: number): string {
  const date = new Date(time)
  const two = (n: number) => String(n).padStart(2, '0')
  const ms = String(date.getMilliseconds()).padStart(3, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`
}
