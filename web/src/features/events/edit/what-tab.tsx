import { Link } from '@tanstack/react-router'
import { BookOpen } from 'lucide-react'
import { useMemo } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { cn } from '../../../lib/cn.ts'
import type { EventDefinitionInput } from '../../../lib/api.ts'
import { CodeField } from '../../editor/code-field.tsx'
import { KindIcon } from '../kind-icon.tsx'
import { isScript, kindLabels, kinds } from '../words.ts'
import { PipelineFields, type PipelineInput } from './actions/action-fields.tsx'
import { withKind } from './draft.ts'
import { useEditor } from './editor-context.ts'
import { HttpFields } from './http-fields.tsx'
import { MessageFields } from './message-fields.tsx'

/** What it runs. */
export function WhatTab({ onRun }: { onRun: () => void }) {
  const { definition, set, errorOf } = useEditor()
  const { kind } = definition
  return (
    <div className="flex min-w-0 flex-1 flex-col gap-3">
      <div role="radiogroup" aria-label="Kind" className="flex flex-wrap gap-1">
        {kinds.map((one) => (
          <button
            key={one}
            type="button"
            role="radio"
            aria-checked={kind === one}
            onClick={() => kind !== one && set(changed(definition, withKind(definition, one)))}
            className={cn(
              'flex h-8 items-center gap-2 rounded-md border px-2.5 text-sm font-medium',
              kind === one
                ? 'border-accent bg-accent-soft text-accent [&_span]:text-accent'
                : 'border-line bg-surface text-muted hover:bg-sunken hover:text-text',
            )}
          >
            <KindIcon kind={one} /> {kindLabels[one]}
          </button>
        ))}
      </div>
      {isScript(kind) && <Script kind={kind} onRun={onRun} />}
      {kind !== 'http' && kind !== 'message' && kind !== 'pipeline' ? null : (
        <div className="rounded-lg border border-line bg-surface p-3 sm:p-4">
          {definition.request && kind === 'http' && (
            <HttpFields value={definition.request} at="request" onChange={(request) => set({ request })} />
          )}
          {definition.message && kind === 'message' && (
            <MessageFields value={definition.message} at="message" onChange={(message) => set({ message })} />
          )}
          {definition.pipeline && kind === 'pipeline' && (
            <PipelineFields
              value={definition.pipeline as PipelineInput}
              at="pipeline"
              onChange={(pipeline) => set({ pipeline: pipeline as EventDefinitionInput['pipeline'] })}
            />
          )}
        </div>
      )}
      {errorOf('kind') && <Alert>{errorOf('kind')}</Alert>}
    </div>
  )
}

/** The change that makes one of the other: what is no longer there is said, too. */
const changed = (before: EventDefinitionInput, after: EventDefinitionInput): Partial<EventDefinitionInput> => ({
  ...Object.fromEntries(Object.keys(before).map((key) => [key, undefined])),
  ...after,
})

function Script({ kind, onRun }: { kind: 'bash' | 'python' | 'node'; onRun: () => void }) {
  const { definition, set, errorOf } = useEditor()
  const { env, secrets } = definition
  const known = useMemo(
    () => [
      ...Object.entries(secrets ?? {}).map(([name, secret]) => ({ name, detail: `secret ${secret}` })),
      ...Object.keys(env ?? {}).map((name) => ({ name, detail: 'value' })),
      ...['RUNYARD_RUN_ID', 'RUNYARD_DIR'].map((name) => ({ name, detail: '' })),
    ],
    [env, secrets],
  )
  const error = errorOf('script')
  return (
    <>
      <CodeField
        label="Script"
        language={kind}
        env={known}
        invalid={error !== undefined}
        className="h-96 xl:h-[max(18rem,calc(100dvh-15rem))]"
        value={definition.script ?? ''}
        onChange={(script) => set({ script })}
        onRun={onRun}
      />
      {error && <p className="text-sm text-failed">{error}</p>}
      <p className="flex flex-wrap items-center gap-x-4 gap-y-1 text-xs text-muted">
        <span>
          {kind === 'bash' ? 'Type runyard_' : 'Type runyard.'} for the helpers; Escape, then Tab leaves the editor.
        </span>
        <Link to="/events/helpers" target="_blank" className="flex items-center gap-1 text-accent hover:underline">
          <BookOpen aria-hidden className="size-3.5" /> What the helpers do
        </Link>
      </p>
    </>
  )
}
