import { useEffect, useRef } from 'react'
import { Button } from './button.tsx'

interface LoadMoreProps {
  loading: boolean
  onMore: () => void
  label?: string
}

/** Reads the next page when its end comes near; a button too, for those who do not scroll. */
export function LoadMore({ loading, onMore, label = 'Load more' }: LoadMoreProps) {
  const place = useRef<HTMLDivElement>(null)
  const more = useRef(onMore)
  more.current = onMore
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && more.current(), {
      rootMargin: '400px',
    })
    observer.observe(place.current!)
    return () => observer.disconnect()
  }, [loading])
  return (
    <div ref={place} className="flex justify-center py-2">
      <Button onClick={onMore} busy={loading}>
        {loading ? 'Loading…' : label}
      </Button>
    </div>
  )
}
