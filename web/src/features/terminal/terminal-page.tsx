import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Badge } from '../../components/badge.tsx'
import { Button, buttonLook } from '../../components/button.tsx'
import { Empty, Failed, Loading } from '../../components/page-state.tsx'
import { isMissing } from '../../lib/problem.ts'
import { sentence } from '../../lib/sentence.ts'
import { useTitle } from '../../lib/use-title.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { hostQuery } from '../hosts/queries.ts'
import { AdminsOnly } from '../session/admins-only.tsx'
import { endText, type TerminalState } from './terminal-state.ts'

// Not `lazyPart`: it weighs as much as all the rest, and is fetched only where a terminal is opened.
const TerminalView = lazy(() => import('./terminal-view.tsx'))

export const TerminalPage = () => (
  <AdminsOnly title="Terminal">
    <Terminal />
  </AdminsOnly>
)

/** A shell on a host, in the page. */
function Terminal() {
  const { name } = useParams({ from: '/_app/hosts/$name/terminal' })
  const host = useQuery(hostQuery(name))
  const [state, setState] = useState<TerminalState>({ is: 'connecting' })
  const [session, setSession] = useState(1)
  useTitle(`Terminal on ${name}`)
  const again = () => {
    setState({ is: 'connecting' })
    setSession(session + 1)
  }
  if (host.isPending) return <Loading label="Loading the host" />
  if (!host.data && !isMissing(host.error)) return <Failed error={host.error} retry={() => void host.refetch()} />
  if (!host.data?.terminal) return <NoTerminal name={name} />
  return (
    <div className="flex h-[calc(100dvh-5rem)] min-h-80 flex-col gap-2 lg:h-[calc(100dvh-2rem)]">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1">
        <div className="min-w-0">
          <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-sm text-muted">
            <Link to="/hosts" className="rounded hover:text-text">
              Hosts
            </Link>
            <span aria-hidden>/</span>
            <Link to="/hosts/$name" params={{ name }} className="min-w-0 truncate rounded hover:text-text">
              {name}
            </Link>
            <span aria-hidden>/</span>
            <span>Terminal</span>
          </nav>
          <div className="flex items-center gap-2.5">
            <h1 className="truncate text-xl font-semibold">Terminal on {name}</h1>
            <span aria-live="polite">
              <StateWord state={state} />
            </span>
          </div>
        </div>
        <p className="text-xs text-muted max-sm:hidden">
          That it was opened is in the audit log, what is typed is not. Ctrl+Shift+Enter leaves it.
        </p>
        <Button size="small" data-leave-terminal onClick={again}>
          {state.is === 'closed' ? 'Connect again' : 'New session'}
        </Button>
      </div>
      {state.is === 'closed' && (
        <Alert kind={state.error ? 'error' : 'note'}>{sentence(visibleText(endText(state)))}</Alert>
      )}
      <Suspense fallback={<Loading label="Loading the terminal" />}>
        <TerminalView key={session} host={name} onState={setState} />
      </Suspense>
    </div>
  )
}

function StateWord({ state }: { state: TerminalState }) {
  if (state.is === 'open') return <Badge tone="good">Connected</Badge>
  if (state.is === 'closed') return <Badge>Closed</Badge>
  return <Badge tone="warn">Connecting…</Badge>
}

function NoTerminal({ name }: { name: string }) {
  return (
    <Empty page title="No terminal here">
      <p className="text-muted">
        Terminals are off, or {visibleText(name)} cannot be used now. The administrator of the server turns them on with{' '}
        <code className="font-mono text-text">RUNYARD_WEB_TERMINAL=true</code>; each one is noted in the audit log.
      </p>
      <Link to="/hosts/$name" params={{ name }} className={buttonLook()}>
        To the host
      </Link>
    </Empty>
  )
}
