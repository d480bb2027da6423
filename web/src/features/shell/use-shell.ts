import { useLocation, useNavigate, useRouter } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { onSignedOut, queryClient } from '../../lib/query-client.ts'
import { readSaved, save } from '../../lib/saved.ts'

/** Whether the sidebar shows icons only; remembered in this browser. */
export function useSlim(): [boolean, (slim: boolean) => void] {
  const [slim, setSlim] = useState(() => readSaved('sidebar') === 'slim')
  return [
    slim,
    (next) => {
      save('sidebar', next ? 'slim' : null)
      setSlim(next)
    },
  ]
}

/** Going to another page takes the focused link away; reading and tabbing then go on at the new content. */
export function useFocusOnNewPage() {
  const path = useLocation({ select: (location) => location.pathname })
  const first = useRef(true)
  useEffect(() => {
    if (!first.current && document.activeElement === document.body) {
      document.getElementById('main')?.focus({ preventScroll: true })
    }
    first.current = false
  }, [path])
}

export function useSignedOutRedirect() {
  const router = useRouter()
  const navigate = useNavigate()
  useEffect(
    () =>
      onSignedOut(() => {
        const to = router.state.location.href
        if (router.state.location.pathname === '/sign-in') return
        queryClient.clear()
        void navigate({ to: '/sign-in', search: { to, expired: true }, replace: true })
      }),
    [router, navigate],
  )
}
