import { useLayoutEffect, useState, type RefObject } from 'react'

interface WindowRows {
  /** The first row to draw, and the one after the last. */
  first: number
  end: number
  /** Scrolls no further than needed to have a row in sight. */
  show: (index: number) => void
}

const overscan = 12
/** Of what stays at the upper and lower edge of the page (a head, a bar), px. */
const edges = { top: 90, bottom: 70 }

/** Which rows of equal height are in the window, of a list that scrolls with the page. */
export function useWindowRows(list: RefObject<HTMLElement | null>, count: number, height: number): WindowRows {
  const [range, setRange] = useState({ first: 0, end: 60 })
  useLayoutEffect(() => {
    const measure = () => {
      const above = -(list.current?.getBoundingClientRect().top ?? 0)
      const first = Math.max(0, Math.floor(above / height) - overscan)
      const end = Math.max(first, Math.ceil((above + innerHeight) / height) + overscan)
      setRange((old) => (old.first === first && old.end === end ? old : { first, end }))
    }
    // What stands above the list changes its height, too.
    const observer = new ResizeObserver(measure)
    observer.observe(document.body)
    addEventListener('scroll', measure, { passive: true })
    addEventListener('resize', measure)
    measure()
    return () => {
      observer.disconnect()
      removeEventListener('scroll', measure)
      removeEventListener('resize', measure)
    }
  }, [list, height])
  return {
    first: Math.min(range.first, Math.max(0, count - 1)),
    end: Math.min(range.end, count),
    show: (index) => {
      const top = (list.current?.getBoundingClientRect().top ?? 0) + index * height
      if (top < edges.top) scrollBy({ top: top - edges.top })
      else if (top + height > innerHeight - edges.bottom) scrollBy({ top: top + height - innerHeight + edges.bottom })
    },
  }
}
