import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type UIEvent,
  type WheelEvent,
} from 'react'
import type { LogLine } from './log-block.ts'
import type { LogSnapshot } from './log-feed.ts'
import { RowMap } from './row-map.ts'

const lineHeight = 20
const overscan = 10
/** No browser draws a page of any height: Firefox ends at 17.9 million px. Beyond this, one px of scrolling is more than one. */
const mostHeight = 15_000_000

interface Options {
  log: LogSnapshot
  wrap: boolean
  following: boolean
  setFollowing: (follow: boolean) => void
}

interface View {
  /** As the scrollbar has it. */
  top: number
  /** What of the content is at the top, px. */
  content: number
  height: number
}

/**
 * Which lines are on the screen, and where. Every row has the same height and a line's rows follow from its length, so
 * nothing is measured or remembered for lines that are not shown: the millionth costs what the first one does.
 */
export function useLogRows({ log, wrap, following, setFollowing }: Options) {
  const { buffer, version } = log
  const scroller = useRef<HTMLDivElement>(null)
  const [view, setView] = useState<View>({ top: 0, content: 0, height: 0 })
  const columns = useColumns(scroller, wrap, version > 0)
  const map = useMemo(() => new RowMap(buffer, columns), [buffer, columns])
  const total = map.total()
  const space = spaceOf(total, view.height)
  const latest = useRef({ map, space })
  latest.current = { map, space }

  const read = useCallback(() => {
    const element = scroller.current
    if (!element) return
    const { scrollTop: top, clientHeight: height } = element
    setView((old) => {
      // Where the space is scaled, the place that was asked for is finer than what the scrollbar can say.
      const same = Math.abs(old.top - top) < 1
      return { top, height, content: same ? old.content : top * latest.current.space.scale }
    })
  }, [])
  useEffect(() => {
    const observer = new ResizeObserver(read)
    observer.observe(scroller.current!)
    return () => observer.disconnect()
  }, [read])

  /** Scrolls so that the given px of the content is at the top. */
  const toTop = useCallback((px: number) => {
    const element = scroller.current
    if (!element) return
    const { scale } = latest.current.space
    element.scrollTop = px / scale
    const { scrollTop: top, clientHeight: height } = element
    setView({ top, height, content: Math.abs(top - px / scale) < 1 ? px : top * scale })
  }, [])
  const toEnd = useCallback(() => toTop(Number.MAX_SAFE_INTEGER), [toTop])
  const toLine = useCallback(
    (line: number) => {
      const row = latest.current.map.rowOf(Math.max(0, Math.min(line - buffer.firstNumber, buffer.length - 1)))
      toTop(row * lineHeight - ((scroller.current?.clientHeight ?? 0) - lineHeight) / 2)
    },
    [buffer, toTop],
  )
  useLayoutEffect(() => {
    if (following) toEnd()
  }, [following, version, total, toEnd])

  useKeepPlace(buffer.dropped, space.scale, following, (lines) => toTop(view.content - lines * lineHeight))

  const contentTop = view.content
  const atEnd = view.top >= space.height - view.height - 1
  const start = map.lineAt(Math.max(0, Math.floor(contentTop / lineHeight) - overscan))
  const lines: LogLine[] = []
  let row = start.row
  for (let index = start.index; index < buffer.length; index++) {
    if (!atEnd && row * lineHeight > contentTop + view.height + overscan * lineHeight) break
    lines.push(buffer.at(index)!)
    row += map.rowsAt(index)
  }
  return {
    scroller,
    lines,
    /** The first one that is wholly in sight. */
    topLine: buffer.length === 0 ? undefined : buffer.at(map.lineAt(Math.ceil(contentTop / lineHeight)).index)?.number,
    height: space.height,
    // At the end the last line stands at the lower edge, even where a letter was wider than it should be.
    place:
      atEnd && space.height > view.height ? { bottom: 0 } : { top: view.top + start.row * lineHeight - contentTop },
    toLine,
    toEnd,
    handlers: {
      onScroll: useFollowByScroll(following && log.state !== 'ended', log.state === 'live', setFollowing, read),
      onWheel: (event: WheelEvent) => event.deltaY < 0 && setFollowing(false),
      onKeyDown: (event: KeyboardEvent) => {
        const px = keyStep(event, view.height)
        if (px === null || space.scale === 1) return
        event.preventDefault()
        if (px < 0) setFollowing(false)
        toTop(contentTop + px)
      },
    },
  }
}

/** How high the scrolled space is, and how much of the content one px of it stands for. */
export function spaceOf(rows: number, viewHeight: number): { height: number; scale: number } {
  const content = rows * lineHeight
  if (content <= mostHeight) return { height: content, scale: 1 }
  return { height: mostHeight, scale: (content - viewHeight) / (mostHeight - viewHeight) }
}

/** What a key scrolls, px of the content; null: it is no key that scrolls. */
function keyStep({ key, target, currentTarget }: KeyboardEvent, height: number): number | null {
  if (target !== currentTarget) return null
  const page = height - lineHeight
  const steps: Record<string, number> = {
    ArrowDown: 2 * lineHeight,
    ArrowUp: -2 * lineHeight,
    PageDown: page,
    PageUp: -page,
    ' ': page,
  }
  return steps[key] ?? null
}

/** Characters in a row of wrapped text; Infinity while lines are not wrapped. */
function useColumns(scroller: { current: HTMLElement | null }, wrap: boolean, filled: boolean): number {
  const [columns, setColumns] = useState(Infinity)
  useLayoutEffect(() => {
    const element = scroller.current
    if (!wrap || !element || !filled) return setColumns(Infinity)
    const measure = () => {
      const text = element.querySelector<HTMLElement>('[data-log-text]')
      if (text) setColumns(Math.max(10, Math.floor(text.clientWidth / characterWidth(element))))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [scroller, wrap, filled])
  return columns
}

function characterWidth(parent: HTMLElement): number {
  const probe = document.createElement('span')
  probe.textContent = '0'.repeat(100)
  probe.style.position = 'absolute'
  probe.style.visibility = 'hidden'
  parent.append(probe)
  const width = probe.getBoundingClientRect().width / 100
  probe.remove()
  return width || 8
}

/**
 * Scrolling up by hand ends the following, scrolling to the end begins it again. Our own scrolling only ever goes down,
 * except when lines leave at the top: then the content is shorter than before, too.
 */
function useFollowByScroll(
  following: boolean,
  live: boolean,
  setFollowing: (follow: boolean) => void,
  read: () => void,
) {
  const last = useRef({ top: 0, height: 0 })
  return (event: UIEvent<HTMLDivElement>) => {
    const { scrollTop: top, scrollHeight: height, clientHeight } = event.currentTarget
    const before = last.current
    last.current = { top, height }
    const up = top < before.top - lineHeight * 2 && height >= before.height
    const atEnd = height - top - clientHeight < lineHeight
    if (following && up) setFollowing(false)
    else if (!following && live && atEnd && top > before.top) setFollowing(true)
    read()
  }
}

/** Lines that leave at the top move all others up, and a growing space is scaled anew; the view stays at what one reads. */
function useKeepPlace(dropped: number, scale: number, following: boolean, moveUp: (lines: number) => void) {
  const before = useRef({ dropped, scale })
  const move = useRef(moveUp)
  move.current = moveUp
  useLayoutEffect(() => {
    const gone = dropped - before.current.dropped
    const moved = gone > 0 || scale !== before.current.scale
    before.current = { dropped, scale }
    if (moved && !following) move.current(gone)
  }, [dropped, scale, following])
}
