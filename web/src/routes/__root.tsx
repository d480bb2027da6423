import { createRootRoute, Link, Outlet } from '@tanstack/react-router'
import { buttonLook } from '../components/button.tsx'
import { Empty, Failed } from '../components/page-state.tsx'

export const Route = createRootRoute({
  component: Outlet,
  notFoundComponent: () => (
    <Empty title="There is no such page">
      <Link to="/jobs" className={buttonLook()}>
        All jobs
      </Link>
    </Empty>
  ),
  errorComponent: ({ error, reset }) => (
    <div className="mx-auto max-w-xl p-6">
      <Failed error={error} retry={reset} />
    </div>
  ),
})
