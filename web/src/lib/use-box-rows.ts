import { useLayoutEffect, useState, type RefObject } from 'react'

interface BoxRows {
  /** The first row to draw, and the one after the last. */
  first: number
  end: number
  /** The first row of which a part is in sight. */
  top: () => number
  /** Scrolls no further than needed to have a row in sight. */
  show: (index: number) => void
}

const overscan = 8

/** Which rows of equal height are in sight, in a box that scrolls by itself. */
export function useBoxRows(box: RefObject<HTMLElement | null>, count: number, height: number): BoxRows {
  const [range, setRange] = useState({ first: 0, end: 40 })
  useLayoutEffect(() => {
    const element = box.current!
    const measure = () => {
      const first = Math.max(0, Math.floor(element.scrollTop / height) - overscan)
      const end = Math.ceil((element.scrollTop + element.clientHeight) / height) + overscan
      setRange((old) => (old.first === first && old.end === end ? old : { first, end }))
    }
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    element.addEventListener('scroll', measure, { passive: true })
    measure()
    return () => {
      observer.disconnect()
      element.removeEventListener('scroll', measure)
    }
  }, [box, height])
  return {
    first: Math.min(range.first, Math.max(0, count - 1)),
    end: Math.min(range.end, count),
    top: () => Math.floor((box.current?.scrollTop ?? 0) / height),
    show: (index) => {
      const element = box.current
      if (!element) return
      const least = (index + 1) * height - element.clientHeight
      if (element.scrollTop > index * height) element.scrollTop = index * height
      else if (element.scrollTop < least) element.scrollTop = least
    },
  }
}
