import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { CircleStop, ExternalLink, Play } from 'lucide-react'
import { Suspense, useEffect, useImperativeHandle, useRef, useState, type Ref } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Button, buttonLook } from '../../../components/button.tsx'
import { Kbd } from '../../../components/kbd.tsx'
import { Failed, Loading } from '../../../components/page-state.tsx'
import { Tabs } from '../../../components/tabs.tsx'
import { api, type EventRunDetail } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { problemOf } from '../../../lib/problem.ts'
import { sentence } from '../../../lib/sentence.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { StateChip } from '../../jobs/state-chip.tsx'
import type { LogPlace } from '../../logs/log-place.ts'
import { CodeField } from '../../editor/code-field.tsx'
import { Elapsed } from '../elapsed.tsx'
import { Progress } from '../progress.tsx'
import { runQuery } from '../queries.ts'
import { FiredActions } from '../run/fired-actions.tsx'
import { PayloadView } from '../run/payload-view.tsx'
import { useLiveRun } from '../run/use-live-run.ts'
import { isOpen } from '../words.ts'
import type { Draft } from './draft.ts'
import { CheckField } from '../../../components/value-fields.tsx'
import { readJson } from './read-json.ts'

const inputKey = (event: string | undefined) => ['test-input', event]
const RunLog = lazyPart(() => import('../run/run-log.tsx'))

export interface TestPanelHandle {
  start: () => void
}

interface TestPanelProps {
  draft: Draft
  /** Its public id; undefined: it is not made yet. */
  event: string | undefined
  /** The test run that is shown. */
  runId: string | undefined
  onRun: (id: string) => void
  /** Its public id, too; one that is not made yet is made first. */
  eventId: () => Promise<string | null>
  onOutput: (run: EventRunDetail) => void
  blocked: string | undefined
  ref: Ref<TestPanelHandle>
}

/** Runs what is being edited, saved or not, and shows what comes of it. */
export function TestPanel({ draft, event: made, runId, onRun, eventId, onOutput, blocked, ref }: TestPanelProps) {
  const client = useQueryClient()
  // A first test makes the event and goes to its page: what was typed here goes along.
  const [text, setText] = useState(() => client.getQueryData<string>(inputKey(made)) ?? '')
  const [fire, setFire] = useState(false)
  const input = readJson(text)
  const why = blocked ?? (input.error === undefined ? undefined : `The input ${input.error}`)
  const start = useMutation({
    mutationFn: async () => {
      const event = await eventId()
      if (event === null) return null
      client.setQueryData(inputKey(event), text)
      return api.events.test({
        event,
        definition: draft.definition,
        ...(input.value === undefined ? {} : { input: input.value as never }),
        fire_actions: fire,
      })
    },
    onSuccess: (run) => run && onRun(run.id),
  })
  const act = () => {
    if (!start.isPending && why === undefined) start.mutate()
  }
  useImperativeHandle(ref, () => ({ start: act }))
  const problem = start.isError ? problemOf(start.error) : undefined
  const hasActions = (draft.definition.actions ?? []).length > 0
  return (
    <section
      aria-label="Test run"
      className="flex min-h-0 min-w-0 flex-col gap-3 rounded-lg border border-line bg-surface p-3 xl:h-full"
    >
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <h2 className="text-sm font-semibold text-muted">Test run</h2>
        <span className="hidden items-center gap-1 text-xs text-muted sm:flex">
          <Kbd>{/Mac|iP/.test(navigator.platform) ? '⌘' : 'Ctrl'}</Kbd>
          <Kbd>Enter</Kbd>
        </span>
        <span className="flex-1" />
        {hasActions && <CheckField label="Its actions fire" value={fire} onChange={setFire} />}
        <Button busy={start.isPending} disabled={why !== undefined} title={why} onClick={act}>
          <Play aria-hidden className="size-4" /> {start.isPending ? 'Starting…' : 'Test'}
        </Button>
      </div>
      <CodeField
        label="Input of the test run"
        language="json"
        gutter={false}
        invalid={input.error !== undefined}
        placeholder='Input as JSON, e.g. {"customer": 17}'
        className="max-h-32 min-h-9"
        value={text}
        onChange={setText}
        onRun={act}
      />
      {input.error && <p className="-mt-2 text-sm text-failed">It {input.error}</p>}
      {problem && (
        <Alert title={problem.message}>
          <ul className="list-inside list-disc empty:hidden">
            {problem.fields.slice(0, 6).map(({ field, message }, index) => (
              <li key={index}>
                <code className="font-mono text-xs">{field.replace(/^definition\./, '')}</code> {message}
              </li>
            ))}
          </ul>
          {problem.retryAfterSeconds !== undefined && <p>Again in {problem.retryAfterSeconds} s.</p>}
        </Alert>
      )}
      {runId ? (
        <TestRun key={runId} id={runId} onOutput={onOutput} />
      ) : (
        <p className="px-2 py-8 text-center text-sm text-balance text-muted">
          What stands here is run as it is, saved or not. Log and output appear here, live.
        </p>
      )}
    </section>
  )
}

type View = 'log' | 'output' | 'actions'

function TestRun({ id, onOutput }: { id: string; onOutput: (run: EventRunDetail) => void }) {
  const run = useQuery(runQuery(id))
  const [chosen, setChosen] = useState<View | null>(null)
  const [place, setPlace] = useState<LogPlace>({})
  const told = useRef(false)
  const data = run.data
  useLiveRun(id, data && isOpen(data) ? data.job_id : null)
  useEffect(() => {
    if (!data || isOpen(data) || told.current) return
    told.current = true
    onOutput(data)
  }, [data, onOutput])
  if (run.isPending) return <Loading rows={3} label="Loading the run" />
  if (!data) return <Failed error={run.error} retry={() => void run.refetch()} />
  const view: View = chosen ?? (data.job_id || !data.output ? 'log' : 'output')
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
        <StateChip state={data.state} />
        <span className="text-muted tabular-nums">
          <Elapsed run={data} />
        </span>
        <Progress run={data} className="flex-1" />
        <span className="ml-auto flex gap-1">
          {isOpen(data) && (
            <Button
              size="small"
              kind="quiet"
              onClick={() => void api.eventRuns.cancel({ id }).then(() => run.refetch())}
            >
              <CircleStop aria-hidden className="size-3.5" /> Stop
            </Button>
          )}
          <Link to="/event-runs/$id" params={{ id }} target="_blank" className={buttonLook('quiet', 'small')}>
            <ExternalLink aria-hidden className="size-3.5" /> Run
          </Link>
        </span>
      </div>
      {data.error && <Alert>{sentence(visibleText(data.error))}</Alert>}
      {data.waiting && isOpen(data) && <p className="text-sm text-muted">{sentence(visibleText(data.waiting))}</p>}
      <Tabs
        label="Of the test run"
        className="min-h-0 flex-1 [&>[role=tabpanel]]:flex [&>[role=tabpanel]]:min-h-0 [&>[role=tabpanel]]:flex-1 [&>[role=tabpanel]]:flex-col"
        tabs={[
          { key: 'log', label: 'Log' },
          { key: 'output', label: data.output ? 'Output ●' : 'Output' },
          { key: 'actions', label: 'Actions' },
        ]}
        value={view}
        onChange={setChosen}
      >
        {view === 'log' &&
          (data.job_id ? (
            <Suspense fallback={<Loading rows={3} />}>
              <div className="flex min-h-0 flex-1 flex-col [--log-height:20rem] *:flex-1">
                <RunLog
                  jobId={data.job_id}
                  place={place}
                  onPlace={(change) => setPlace((old) => ({ ...old, ...change }))}
                />
              </div>
            </Suspense>
          ) : (
            <p className="py-6 text-center text-sm text-muted">There is no log yet.</p>
          ))}
        {view === 'output' &&
          (data.output ? (
            <PayloadView what="output" payload={data.output} className="min-h-0 flex-1" />
          ) : (
            <p className="py-6 text-center text-sm text-muted">
              {isOpen(data) ? 'It has given no output yet.' : 'It gave no output.'}
            </p>
          ))}
        {view === 'actions' && <FiredActions run={data} />}
      </Tabs>
    </>
  )
}
