import { createFileRoute, redirect } from '@tanstack/react-router'
import { meQuery } from '../features/session/session.ts'
import { Shell } from '../features/shell/shell.tsx'
import { isSignedOut } from '../lib/problem.ts'
import { queryClient } from '../lib/query-client.ts'

/** Every page but sign-in: only for someone who is signed in. */
export const Route = createFileRoute('/_app')({
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(meQuery)
    } catch (error) {
      if (!isSignedOut(error)) throw error
      throw redirect({ to: '/sign-in', search: location.pathname === '/' ? {} : { to: location.href } })
    }
  },
  component: Shell,
})
