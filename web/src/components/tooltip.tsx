import { useState, type ReactNode, type SyntheticEvent } from 'react'

/**
 * A few words at the right of something small, on hover and on focus. Only for what is also said another way: it is not
 * read out. It stands over the page, where a list that scrolls does not cut it off.
 */
export function Tooltip({ text, children }: { text: ReactNode; children: ReactNode }) {
  const [place, setPlace] = useState<{ left: number; top: number } | null>(null)
  const open = (event: SyntheticEvent<HTMLElement>) => {
    const { right, top, height } = event.currentTarget.getBoundingClientRect()
    setPlace({ left: right + 8, top: top + height / 2 })
  }
  const close = () => setPlace(null)
  return (
    <span className="flex" onPointerEnter={open} onFocus={open} onPointerLeave={close} onBlur={close}>
      {children}
      {place && (
        <span
          aria-hidden
          style={place}
          className="pointer-events-none fixed z-50 -translate-y-1/2 rounded-md border border-line bg-surface px-2 py-1 text-xs font-medium whitespace-nowrap text-text shadow-md"
        >
          {text}
        </span>
      )}
    </span>
  )
}
