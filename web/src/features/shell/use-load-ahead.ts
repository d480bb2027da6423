import { useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'
import { loadToaster } from '../../components/toasts.ts'
import { loadParts } from '../../lib/lazy-part.ts'

/** The first page comes first. */
const afterMs = 1500

/** Fetches, when the browser has time, what later pages and notices need: also a server that is gone must be told of. */
export function useLoadAhead() {
  const router = useRouter()
  useEffect(() => {
    const timer = setTimeout(() => {
      const pages = Object.values(router.routesById).map((route) => () => router.loadRouteChunk(route))
      void loadParts([loadToaster, ...pages])
    }, afterMs)
    return () => clearTimeout(timer)
  }, [router])
}
