import { useLayoutEffect, useRef, useState } from 'react'
import { cn } from '../lib/cn.ts'
import { CopyButton } from './copy-line.tsx'

/** Code of any length: four lines of it until all are asked for, and a button that copies it. */
export function ClampedCode({ text, shown = text, what }: { text: string; shown?: string; what: string }) {
  const code = useRef<HTMLElement>(null)
  const [long, setLong] = useState(false)
  const [all, setAll] = useState(false)
  useLayoutEffect(() => {
    const element = code.current!
    if (all) return
    const measure = () => setLong(element.scrollHeight > element.clientHeight + 1)
    measure()
    // In a dialog that is about to open it has no size yet.
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [shown, all])
  return (
    <>
      <span className="flex items-start gap-1">
        <code
          ref={code}
          className={cn(
            'min-w-0 flex-1 my-1 font-mono text-xs wrap-anywhere whitespace-pre-wrap',
            !all && 'line-clamp-4',
          )}
        >
          {shown}
        </code>
        <CopyButton text={text} label={`Copy the ${what}`} />
      </span>
      {long && (
        <button
          type="button"
          aria-expanded={all}
          onClick={() => setAll(!all)}
          className="rounded text-xs font-medium text-accent hover:underline"
        >
          {all ? 'Show less' : 'Show all'}
        </button>
      )}
    </>
  )
}
