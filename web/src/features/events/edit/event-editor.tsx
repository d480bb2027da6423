import { useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useCallback, useMemo, useRef, useState } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Loading } from '../../../components/page-state.tsx'
import type { EventDefinitionInput, EventDetail, EventRunDetail, EventStatus } from '../../../lib/api.ts'
import { lazyPart } from '../../../lib/lazy-part.ts'
import { problemOf } from '../../../lib/problem.ts'
import { sentence } from '../../../lib/sentence.ts'
import { useLeaveGuard } from '../../../lib/use-leave-guard.ts'
import { useTitle } from '../../../lib/use-title.ts'
import type { EditTab } from '../place.ts'
import { ActionsTab } from './actions/actions-tab.tsx'
import { draftOf, sameDefinition, sameDraft, type Draft } from './draft.ts'
import { EditorProvider } from './editor-context.ts'
import { EditorHead } from './editor-head.tsx'
import { EditorTabs } from './editor-tabs.tsx'
import { ProblemBar } from './problem-bar.tsx'
import { firstSample, withRun } from './sample.ts'
import { SettingsTab } from './settings-tab.tsx'
import { isWithin } from './tab-of-field.ts'
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
  const latest = useRef(draft)
  latest.current = draft
  const save = useSaveEvent((now, stored) => {
    // What is typed while it is being saved is not saved yet.
    leaving.current = stored === latest.current
    setEvent(now)
    setSaved(stored)
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
  const { definition } = draft
  const saveProblem = save.isError && !isConflict(save.error) ? problemOf(save.error) : undefined
  return (
    <EditorProvider value={context}>
      <div className="flex flex-1 flex-col gap-3 xl:min-h-[calc(100dvh-2rem)]">
        <EditorHead
          event={event}
          name={draft.name}
          onName={(name) => change({ name })}
          nameless={tried && nameless}
          blocked={blocked}
          dirty={dirty}
          busy={save.isPending}
          onSave={askAndSave}
          onActivate={() => void store('active')}
          onCreate={(status) => void create(status)}
        />
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
        <div className="grid min-h-0 flex-1 content-start items-start gap-4 xl:grid-cols-[minmax(0,1fr)_minmax(22rem,34rem)]">
          <EditorTabs tab={tab} onTab={onTab} definition={definition} wrong={shown}>
            {tab === 'what' && <WhatTab onRun={() => tests.current?.start()} />}
            {tab === 'triggers' && <TriggersTab event={event} />}
            {tab === 'actions' && <ActionsTab />}
            {tab === 'settings' && <SettingsTab event={event?.id} draft={draft} onDraft={change} />}
            {tab === 'yaml' && (
              <Suspense fallback={<Loading />}>
                <YamlTab draft={draft} onDraft={(next) => change(next)} />
              </Suspense>
            )}
            <ProblemBar errors={shown} warnings={warnings} onTab={onTab} tab={tab} />
          </EditorTabs>
          <div className="min-w-0 xl:sticky xl:top-4 xl:h-[calc(100dvh-7.5rem)]">
            <TestPanel
              ref={tests}
              draft={draft}
              event={event?.id}
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
                save.mutate(
                  { draft, event: now, saved: draftOf(now), note: sentence('saved over another change') },
                  { onError: (error) => isConflict(error) && setAsking('conflict') },
                )
              }}
            />
          )}
        </Suspense>
      </div>
    </EditorProvider>
  )
}

export const tabSearch = (tab: EditTab) => (tab === 'what' ? {} : { tab })
