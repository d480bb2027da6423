import { useQuery } from '@tanstack/react-query'
import { api } from '../../../lib/api.ts'
import { problemOf } from '../../../lib/problem.ts'
import { sentence } from '../../../lib/sentence.ts'
import { useEditor } from './editor-context.ts'
import { namesOf } from './sample.ts'
import { SampleField } from './sample-field.tsx'
import { useCalm } from './use-calm.ts'

interface MessagePreviewProps {
  input: Record<string, unknown>
  /** Of what follows a run; else only its input and its event are known. */
  ofAction?: boolean
}

/** A message filled in with the sample. */
export function MessagePreview({ input, ofAction = true }: MessagePreviewProps) {
  const { sample } = useEditor()
  const all = namesOf(sample)
  const names = all && (ofAction ? all : { input: all['input'], event: all['event'] })
  const asked = useCalm({ input, names })
  const { data, error } = useQuery({
    queryKey: ['message-templates', 'preview', asked],
    queryFn: ({ signal }) =>
      api.messageTemplates.preview({ input: asked.input as never, names: (asked.names ?? {}) as never }, { signal }),
    enabled: asked.names !== null,
    retry: false,
    staleTime: 60_000,
  })
  return (
    <div className="grid gap-3 lg:grid-cols-2">
      <div aria-live="polite" className="rounded-md border border-line bg-sunken p-3 text-sm">
        {error && <p className="text-failed">{problemOf(error).message}</p>}
        {data?.problems.map(({ field, message }) => (
          <p key={field} className="text-failed">
            <code className="font-mono text-xs">{field}</code> {sentence(message)}
          </p>
        ))}
        {data?.input && (
          <dl className="flex flex-col gap-1.5">
            {Object.entries(data.input).map(([name, value]) => (
              <div key={name}>
                <dt className="text-xs text-muted">{name}</dt>
                <dd className="break-words whitespace-pre-wrap">
                  {typeof value === 'string' ? value : JSON.stringify(value, null, 2)}
                </dd>
              </div>
            ))}
            {Object.keys(data.input).length === 0 && <p className="text-muted">Nothing is written yet.</p>}
          </dl>
        )}
      </div>
      <SampleField />
    </div>
  )
}
