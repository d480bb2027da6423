import { useState } from 'react'
import { problemOf } from '../lib/problem.ts'
import { Button } from './button.tsx'
import { Empty } from './page-state.tsx'

/**
 * Stands where a page should: the server is gone, or the page itself is broken. The page is loaded anew only once the
 * server answers, else the browser's own error page would take the place of everything.
 */
export function PageError({ error }: { error: unknown }) {
  const [trying, setTrying] = useState(false)
  const unreachable = isUnreachable(error)
  const again = async () => {
    setTrying(true)
    try {
      await fetch(location.href, { method: 'HEAD', cache: 'no-store' })
      location.reload()
    } catch {
      setTrying(false)
    }
  }
  return (
    <Empty page title={unreachable ? 'The server cannot be reached' : 'This page does not work'}>
      <p role="alert" className="text-muted">
        {unreachable
          ? 'Is it running, and are you on its network? What was submitted is safe.'
          : problemOf(error).message}
      </p>
      <Button disabled={trying} onClick={() => void again()}>
        {trying ? 'Trying…' : 'Try again'}
      </Button>
    </Empty>
  )
}

const unreachableMark = 'The server cannot be reached.'

/** A part of the page that could not be fetched: its error then reads as what it is, and nobody reloads because of it. */
export function notePreloadErrors(): void {
  addEventListener('vite:preloadError', (event) => {
    event.payload.message = unreachableMark
  })
}

/** What browsers say of a request without an answer: Chrome, Firefox, Safari. */
const isUnreachable = (error: unknown): boolean =>
  error instanceof Error &&
  (error.message === unreachableMark || /^(Failed to fetch|NetworkError|Load failed)/.test(error.message))
