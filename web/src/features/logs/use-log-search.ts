import { useEffect, useMemo, useState } from 'react'
import type { LogSnapshot } from './log-feed.ts'
import { LogSearch, mostMatches } from './log-search.ts'
import type { LogSearchControl } from './log-toolbar.tsx'

const count = new Intl.NumberFormat()

/** The state of a search in a growing log: its matches, and which of them is the present one. */
export function useLogSearch({ buffer, version }: LogSnapshot, goTo: (line: number) => void) {
  const [text, setText] = useState('')
  const [current, setCurrent] = useState<number | null>(null)
  const [, setRound] = useState(0)
  const search = useMemo(() => (text.trim() === '' ? null : new LogSearch(text.trim(), buffer)), [text, buffer])
  useEffect(() => {
    if (!search) return
    let timer: ReturnType<typeof setTimeout>
    const round = () => {
      const done = search.advance()
      setRound((n) => n + 1)
      if (!done) timer = setTimeout(round)
    }
    timer = setTimeout(round)
    return () => clearTimeout(timer)
  }, [search, version])
  const matches = search?.matches() ?? []
  const index = current === null ? -1 : matches.indexOf(current)
  const onStep = (step: 1 | -1) => {
    if (matches.length === 0) return
    const next = index < 0 ? (step === 1 ? 0 : matches.length - 1) : (index + step + matches.length) % matches.length
    const line = matches[next]!
    setCurrent(line)
    goTo(line)
  }
  const control: LogSearchControl = {
    text,
    onText: (value) => {
      setText(value)
      setCurrent(null)
    },
    status: search ? statusText(index, matches.length) : '',
    onStep,
  }
  return { control, needle: search?.needle ?? '', current: index < 0 ? null : current }
}

function statusText(index: number, found: number): string {
  if (found === 0) return 'None found'
  const all = count.format(found) + (found >= mostMatches ? '+' : '')
  if (index < 0) return found === 1 ? '1 line' : `${all} lines`
  return `${count.format(index + 1)} of ${all}`
}
