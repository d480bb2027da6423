import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useLocation, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { CircleStop, RotateCw } from 'lucide-react'
import { Suspense, useState, type ReactNode } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Button, buttonLook } from '../../../components/button.tsx'
import { Card } from '../../../components/card.tsx'
import { Confirm } from '../../../components/confirm.tsx'
import { CopyButton } from '../../../components/copy-line.tsx'
import { Empty, Failed, Loading } from '../../../components/page-state.tsx'
import { Tabs } from '../../../components/tabs.tsx'
import { toast } from '../../../components/toasts.ts'
import { api, type EventRunDetail } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { isMissing, problemOf } from '../../../lib/problem.ts'
import { sentence } from '../../../lib/sentence.ts'
import { byteSize } from '../../../lib/time.ts'
import { useTitle } from '../../../lib/use-title.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { StateChip } from '../../jobs/state-chip.tsx'
import { states } from '../../jobs/states.ts'
import { lineOfHash, type LogPlace } from '../../logs/log-place.ts'
import { useMe } from '../../session/session.ts'
import type { RunView } from '../place.ts'
import { Progress } from '../progress.tsx'
import { runQuery } from '../queries.ts'
import { isOpen } from '../words.ts'
import { FiredActions } from './fired-actions.tsx'
import { PayloadView } from './payload-view.tsx'
import { RunFacts } from './run-facts.tsx'
import { useLiveRun } from './use-live-run.ts'

const RunLog = lazyPart(() => import('./run-log.tsx'))

export function EventRunPage() {
  const { id } = useParams({ from: '/_app/event-runs/$id' })
  const run = useQuery(runQuery(id))
  useLiveRun(id, run.data && isOpen(run.data) ? run.data.job_id : null)
  if (run.isPending) return <Loading label="Loading the run" />
  if (run.isError && isMissing(run.error)) return <NoSuchRun id={id} />
  if (!run.data) return <Failed error={run.error} retry={() => void run.refetch()} />
  return (
    <div className="flex flex-1 flex-col gap-3 xl:h-[calc(100dvh-2rem)] xl:min-h-[32rem] xl:flex-none">
      {run.isError && <Failed error={run.error} retry={() => void run.refetch()} />}
      <Loaded key={id} run={run.data} />
    </div>
  )
}

function Loaded({ run }: { run: EventRunDetail }) {
  const { view, ...logPlace } = useSearch({ from: '/_app/event-runs/$id' })
  const hash = useLocation({ select: (location) => location.hash })
  const navigate = useNavigate({ from: '/event-runs/$id' })
  useTitle(`${run.event.name}, run ${run.id}`)
  const shown: RunView = view ?? (run.job_id || !run.output ? 'log' : 'output')
  const place = { ...logPlace, line: lineOfHash(hash) ?? logPlace.line }
  const onPlace = (change: LogPlace) => {
    const { line, ...rest } = { ...place, ...change }
    void navigate({
      search: (old) => ({ view: old.view, ...rest, line: undefined }),
      hash: line === undefined ? '' : `L${line}`,
      replace: true,
      resetScroll: false,
      hashScrollIntoView: false,
    })
  }
  const size = (payload: EventRunDetail['input']) => payload && byteSize(payload.bytes)
  return (
    <>
      <Head run={run} />
      <p aria-live="polite" className="sr-only">
        {states[run.state].label}
      </p>
      {run.error && <Alert>{sentence(visibleText(run.error))}</Alert>}
      {run.waiting && isOpen(run) && <Alert kind="note">{sentence(visibleText(run.waiting))}</Alert>}
      <div className="grid min-h-0 gap-4 xl:flex-1 xl:grid-cols-[minmax(0,1fr)_22rem] xl:grid-rows-[minmax(0,1fr)]">
        <Tabs
          label="Log, output and input"
          className="min-h-0 [&>[role=tabpanel]]:flex [&>[role=tabpanel]]:min-h-0 [&>[role=tabpanel]]:flex-1 [&>[role=tabpanel]]:flex-col"
          value={shown}
          onChange={(next) =>
            void navigate({
              search: next === 'log' && run.job_id ? {} : { view: next as 'output' },
              resetScroll: false,
            })
          }
          tabs={[
            { key: 'log', label: 'Log' },
            { key: 'output', label: <Sized text="Output" size={size(run.output)} /> },
            { key: 'input', label: <Sized text="Input" size={size(run.input)} /> },
          ]}
        >
          {shown === 'log' && <Log run={run} place={place} onPlace={onPlace} />}
          {shown === 'output' &&
            (run.output ? (
              <PayloadView what="output" payload={run.output} className="min-h-0 flex-1" />
            ) : (
              <Nothing>{isOpen(run) ? 'It has given no output yet.' : 'It gave no output.'}</Nothing>
            ))}
          {shown === 'input' &&
            (run.input ? (
              <PayloadView what="input" payload={run.input} className="min-h-0 flex-1" />
            ) : (
              <Nothing>It was given no input.</Nothing>
            ))}
        </Tabs>
        <aside aria-label="About this run" tabIndex={0} className="flex flex-col gap-4 rounded-lg xl:overflow-y-auto">
          <Card title="Run">
            <RunFacts run={run} />
          </Card>
          <Card title="What followed">
            <FiredActions run={run} />
          </Card>
        </aside>
      </div>
    </>
  )
}

const Sized = ({ text, size }: { text: string; size: string | null }) => (
  <span className="inline-flex items-baseline gap-1.5">
    {text}
    {size && <span className="text-xs font-normal text-muted tabular-nums">{size}</span>}
  </span>
)

const Nothing = ({ children }: { children: ReactNode }) => (
  <p className="rounded-lg border border-line bg-surface px-4 py-14 text-center text-muted">{children}</p>
)

function Log({ run, place, onPlace }: { run: EventRunDetail; place: LogPlace; onPlace: (change: LogPlace) => void }) {
  if (run.job_id) {
    return (
      <Suspense fallback={<Loading rows={4} />}>
        <div className="flex min-h-0 flex-1 flex-col *:flex-1">
          <RunLog jobId={run.job_id} place={place} onPlace={onPlace} />
        </div>
      </Suspense>
    )
  }
  if (run.pipeline_run_id) {
    return (
      <Nothing>
        Its tasks and their logs are with the{' '}
        <Link to="/runs/$id" params={{ id: run.pipeline_run_id }} className="text-accent underline underline-offset-2">
          run of the pipeline
        </Link>
        .
      </Nothing>
    )
  }
  return <Nothing>{isOpen(run) ? 'The log begins when it starts.' : 'It never ran, so there is no log.'}</Nothing>
}

function Head({ run }: { run: EventRunDetail }) {
  const name = visibleText(run.event.name)
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
      <div className="min-w-0 flex-1 basis-80">
        <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-sm text-muted">
          <Link to="/events" className="rounded hover:text-text">
            Events
          </Link>
          <span aria-hidden>/</span>
          <Link
            to="/events/$event"
            params={{ event: run.event.id }}
            className="min-w-0 truncate rounded hover:text-text"
          >
            {name}
          </Link>
          <span aria-hidden>/</span>
          <span className="font-mono text-xs">{run.id}</span>
          <CopyButton text={run.id} label="Copy the id" />
        </nav>
        <div className="flex min-w-0 flex-wrap items-center gap-3">
          <h1 className="truncate text-xl font-semibold" dir="auto" title={name}>
            {name}
          </h1>
          <StateChip state={run.state} />
          {isOpen(run) && <Progress run={run} />}
        </div>
      </div>
      <Acts run={run} />
    </div>
  )
}

function Acts({ run }: { run: EventRunDetail }) {
  const [asking, setAsking] = useState(false)
  const client = useQueryClient()
  const navigate = useNavigate()
  const mayAct = useMe()?.role !== 'viewer'
  const renew = () => void client.invalidateQueries({ queryKey: ['event-runs'] })
  const cancel = useMutation({ mutationFn: () => api.eventRuns.cancel({ id: run.id }), onSettled: renew })
  const again = useMutation({
    mutationFn: () => api.eventRuns.rerun({ id: run.id }),
    onSuccess: ({ id }) => void navigate({ to: '/event-runs/$id', params: { id } }),
    onError: (error) => toast('error', problemOf(error).message),
    onSettled: renew,
  })
  if (!mayAct) return null
  return (
    <div className="flex flex-wrap gap-2">
      {isOpen(run) ? (
        <Button kind="danger" onClick={() => setAsking(true)}>
          <CircleStop aria-hidden className="size-4" /> Cancel
        </Button>
      ) : (
        <Button
          busy={again.isPending}
          title="The event as it is now, with the same input"
          onClick={() => again.mutate()}
        >
          <RotateCw aria-hidden className="size-4" /> Run again
        </Button>
      )}
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Cancel this run?"
        action="Cancel the run"
        refuse="Keep it"
        danger
        onConfirm={() => cancel.mutateAsync()}
      >
        {run.started_at ? 'What it runs is told to end.' : 'It has not started and will not run.'}
      </Confirm>
    </div>
  )
}

function NoSuchRun({ id }: { id: string }) {
  useTitle('No such run')
  return (
    <Empty page title="No such run">
      <p className="text-muted">
        There is no run <code className="font-mono break-all">{id}</code>, or it is not yours to see. Old runs are
        cleared away.
      </p>
      <Link to="/events" className={buttonLook()}>
        All events
      </Link>
    </Empty>
  )
}
