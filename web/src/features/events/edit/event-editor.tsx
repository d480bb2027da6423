import { Link, useNavigate } from '@tanstack/react-router'
import { Save, TriangleAlert } from 'lucide-react'
import { lazy, Suspense, useCallback, useMemo, useRef, useState } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Button } from '../../../components/button.tsx'
import { Input } from '../../../components/field.tsx'
import { Loading } from '../../../components/page-state.tsx'
import { Tabs } from '../../../components/tabs.tsx'
import type { EventDefinitionInput, EventDetail, EventRunDetail, EventStatus } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { problemOf } from '../../../lib/problem.ts'
import { sentence } from '../../../lib/sentence.ts'
import { useLeaveGuard } from '../../../lib/use-leave-guard.ts'
import { useTitle } from '../../../lib/use-title.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import type { EditTab } from '../place.ts'
import { StatusBadge } from '../status-badge.tsx'
import { isScript, kindLabels } from '../words.ts'
import { ActionsTab } from './actions/actions-tab.tsx'
import { draftOf, sameDefinition, sameDraft, type Draft } from './draft.ts'
import { EditorProvider } from './editor-context.ts'
import { ProblemBar } from './problem-bar.tsx'
import { firstSample, withRun } from './sample.ts'
import { SettingsTab } from './settings-tab.tsx'
import { isWithin, tabOfField } from './tab-of-field.ts'
import { TestPanel, type TestPanelHandle } from './test-panel.tsx'
import { TriggersTab } from './triggers/triggers-tab.tsx'
import { useCheck } from './use-check.ts'
import { useSaveKey } from './use-save-key.ts'
import { isConflict, useSaveEvent } from './use-save-event.ts'
import { WhatTab } from './what-tab.tsx'

// Not `lazyPart`: with it come the code editor and the reader of YAML.
const YamlTab = lazy(() => import('./yaml-tab.tsx'))
const SaveDialog = lazyPart(() => import('./save-dialog.tsx'))
const ConflictDialog = lazyPart(() => import('./conflict-dialog.tsx'))

interface EventEditorProps {
  /** Null: it is not made yet. */
  event: EventDetail | null
  first: Draft
  tab: EditTab
  onTab: (tab: EditTab) => void
  runId: string | undefined
  onRun: (id: string | undefined, event: EventDetail | null) => void
}

/** Everything of an event at one place: what it runs, what starts it, what follows, and a test run beside. */
export function EventEditor({ event: opened, first, tab, onTab, runId, onRun }: EventEditorProps) {
  const navigate = useNavigate()
  const [event, setEvent] = useState(opened)
  const [saved, setSaved] = useState(first)
  const [draft, setDraft] = useState(first)
  const [sample, setSample] = useState(() => JSON.stringify(firstSample, null, 2))
  const [unreadable, setUnreadable] = useState<ReadonlySet<string>>(new Set())
  const [asking, setAsking] = useState<'note' | 'conflict' | null>(null)
  // Of a new one there is nothing to complain about before it was touched.
  const [tried, setTried] = useState(opened !== null)
  const tests = useRef<TestPanelHandle>(null)
  const leaving = useRef(false)
  const save = useSaveEvent((now) => {
    leaving.current = true
    setEvent(now)
    setSaved(draft)
    setAsking(null)
  })
  const refused = save.isError && save.variables?.draft === draft ? problemOf(save.error).fields : []
  const { errors, warnings } = useCheck(draft, refused)
  const dirty = !sameDraft(draft, saved)
  useLeaveGuard(dirty && !save.isPending && !leaving.current)
  useTitle(event ? `Edit ${event.name}` : 'New event')

  const change = useCallback((part: Partial<Draft>) => {
    leaving.current = false
    setTried(true)
    setDraft((old) => ({ ...old, ...part }))
  }, [])
  const set = useCallback((part: Partial<EventDefinitionInput>) => {
    leaving.current = false
    setTried(true)
    setDraft((old) => ({ ...old, definition: { ...old.definition, ...part } }))
  }, [])
  const markUnreadable = useCallback((id: string, wrong: boolean) => {
    setUnreadable((old) => {
      if (old.has(id) === wrong) return old
      const next = new Set(old)
      if (wrong) next.add(id)
      else next.delete(id)
      return next
    })
  }, [])
  const shown = tried ? errors : []
  const context = useMemo(
    () => ({
      definition: draft.definition,
      set,
      errorOf: (field: string) => shown.find((one) => one.field === field)?.message,
      hasErrors: (field: string) => shown.some((one) => isWithin(one.field, field)),
      markUnreadable,
      sample,
      setSample,
    }),
    // `shown` is made anew each time; what it says is in `errors`.
    // oxlint-disable-next-line react/exhaustive-deps
    [draft.definition, set, JSON.stringify(shown), markUnreadable, sample],
  )

  const blocked = unreadable.size > 0 ? 'Something typed cannot be read yet' : undefined
  const nameless = draft.name.trim() === ''
  const store = async (status?: EventStatus, note?: string) => {
    setTried(true)
    const now = await save.mutateAsync({ draft, note, status, event, saved }).catch((error: unknown) => {
      if (isConflict(error) && event) setAsking('conflict')
      return null
    })
    return now
  }
  const askAndSave = () => {
    setTried(true)
    if (blocked || nameless || save.isPending) return
    if (!event) void create('draft')
    else if (!dirty) return
    else if (sameDefinition(draft, saved)) void store()
    else setAsking('note')
  }
  const create = async (status: EventStatus) => {
    const now = await store(status)
    if (now) {
      await navigate({ to: '/events/$event/edit', params: { event: now.id }, search: tabSearch(tab), replace: true })
    }
  }
  const eventId = async () => {
    if (event) return event.id
    setTried(true)
    if (nameless) {
      document.getElementById('event-name')?.focus()
      return null
    }
    return (await store('draft'))?.id ?? null
  }
  useSaveKey(askAndSave)

  const onOutput = useCallback((run: EventRunDetail) => {
    setSample((old) => withRun(old, run))
  }, [])
  const wrongIn = (one: EditTab) => shown.filter(({ field }) => tabOfField(field) === one).length
  const label = (one: EditTab, text: string, n?: number) => (
    <span className="inline-flex items-center gap-1.5">
      {text}
      {n !== undefined && n > 0 && <span className="text-xs font-normal text-muted tabular-nums">{n}</span>}
      {wrongIn(one) > 0 && (
        <TriangleAlert role="img" aria-label={`${wrongIn(one)} to correct`} className="size-3.5 text-failed" />
      )}
    </span>
  )
  const { definition } = draft
  const saveProblem = save.isError && !isConflict(save.error) ? problemOf(save.error) : undefined
  return (
    <EditorProvider value={context}>
      <div className="flex flex-1 flex-col gap-3 xl:min-h-[calc(100dvh-2rem)]">
        <div className="flex flex-wrap items-end justify-between gap-x-6 gap-y-2">
          <div className="min-w-0 flex-1 basis-72">
            <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-sm text-muted">
              <Link to="/events" className="rounded hover:text-text">
                Events
              </Link>
              <span aria-hidden>/</span>
              {event ? (
                <>
                  <Link
                    to="/events/$event"
                    params={{ event: event.id }}
                    className="min-w-0 truncate rounded hover:text-text"
                  >
                    {visibleText(event.name)}
                  </Link>
                  <span aria-hidden>/</span>
                  <span>edit</span>
                </>
              ) : (
                <span>new</span>
              )}
            </nav>
            <div className="mt-0.5 flex items-center gap-2.5">
              <h1 className="sr-only">{event ? `Edit ${event.name}` : 'New event'}</h1>
              <Input
                id="event-name"
                aria-label="Name"
                aria-invalid={(tried && nameless) || undefined}
                wide={false}
                className="w-full max-w-md text-lg font-semibold"
                autoComplete="off"
                placeholder="Name of the event"
                autoFocus={!event}
                value={draft.name}
                onChange={(input) => change({ name: input.target.value })}
              />
              {event && <StatusBadge status={event.status} />}
            </div>
          </div>
          <div className="flex flex-wrap items-center gap-2">
            <span role="status" className="text-sm text-muted">
              {blocked ?? (dirty ? 'Not saved' : event ? `Version ${event.version}` : '')}
            </span>
            {event ? (
              <>
                {(event.status === 'draft' || event.status === 'paused') && !dirty && (
                  <Button busy={save.isPending} onClick={() => void store('active')}>
                    {event.status === 'draft' ? 'Activate' : 'Resume'}
                  </Button>
                )}
                <Button kind="primary" busy={save.isPending || !dirty || blocked !== undefined} onClick={askAndSave}>
                  <Save aria-hidden className="size-4" /> Save
                </Button>
              </>
            ) : (
              <>
                <Button busy={save.isPending || nameless} onClick={() => void create('draft')}>
                  Save as a draft
                </Button>
                <Button kind="primary" busy={save.isPending || nameless} onClick={() => void create('active')}>
                  Save and activate
                </Button>
              </>
            )}
          </div>
        </div>
        {saveProblem && asking === null && (
          <Alert title={saveProblem.message}>
            <ul className="list-inside list-disc empty:hidden">
              {saveProblem.fields.slice(0, 6).map(({ field, message }, index) => (
                <li key={index}>
                  <code className="font-mono text-xs">{field.replace(/^definition\./, '')}</code> {message}
                </li>
              ))}
            </ul>
          </Alert>
        )}
        <div className="grid min-h-0 flex-1 items-start gap-4 xl:grid-cols-[minmax(0,1fr)_minmax(22rem,34rem)]">
          <Tabs
            label="Parts of the event"
            className="min-w-0 [&>[role=tabpanel]]:flex [&>[role=tabpanel]]:flex-col"
            value={tab}
            onChange={onTab}
            tabs={[
              { key: 'what', label: label('what', isScript(definition.kind) ? 'Script' : kindLabels[definition.kind]) },
              {
                key: 'triggers',
                label: label(
                  'triggers',
                  'Triggers',
                  (definition.schedules ?? []).length + (definition.after ?? []).length,
                ),
              },
              { key: 'actions', label: label('actions', 'Actions', (definition.actions ?? []).length) },
              { key: 'settings', label: label('settings', 'Settings') },
              { key: 'yaml', label: 'YAML' },
            ]}
          >
            {tab === 'what' && <WhatTab onRun={() => tests.current?.start()} />}
            {tab === 'triggers' && <TriggersTab event={event} />}
            {tab === 'actions' && <ActionsTab />}
            {tab === 'settings' && <SettingsTab draft={draft} onDraft={change} />}
            {tab === 'yaml' && (
              <Suspense fallback={<Loading />}>
                <YamlTab draft={draft} onDraft={(next) => change(next)} />
              </Suspense>
            )}
            <ProblemBar errors={shown} warnings={warnings} onTab={onTab} tab={tab} />
          </Tabs>
          <div className="min-w-0 xl:sticky xl:top-4 xl:h-[calc(100dvh-7.5rem)]">
            <TestPanel
              ref={tests}
              draft={draft}
              runId={runId}
              onRun={(id) => onRun(id, event)}
              eventId={eventId}
              onOutput={onOutput}
              blocked={blocked}
            />
          </div>
        </div>
        <Suspense>
          {asking === 'note' && event && (
            <SaveDialog
              number={event.version + 1}
              busy={save.isPending}
              problem={saveProblem?.message}
              onSave={(note) => void store(undefined, note)}
              onClose={() => setAsking(null)}
            />
          )}
          {asking === 'conflict' && event && (
            <ConflictDialog
              event={event}
              onClose={() => setAsking(null)}
              onTakeTheirs={(now) => {
                const theirs = draftOf(now)
                setEvent(now)
                setSaved(theirs)
                setDraft(theirs)
                setAsking(null)
              }}
              onSaveOver={(now) => {
                setAsking(null)
                save.mutate({ draft, event: now, saved: draftOf(now), note: sentence('saved over another change') })
              }}
            />
          )}
        </Suspense>
      </div>
    </EditorProvider>
  )
}

export const tabSearch = (tab: EditTab) => (tab === 'what' ? {} : { tab })
