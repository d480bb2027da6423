import { CodeField } from '../../editor/code-field.tsx'
import { useEditor } from './editor-context.ts'
import { namesOf } from './sample.ts'

/** What conditions and templates are tried with: a run as actions would see it. One for all of them. */
export function SampleField() {
  const { sample, setSample } = useEditor()
  const wrong = namesOf(sample) === null
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <span className="text-xs font-medium text-muted">Tried with</span>
      <CodeField
        label="Sample of a run"
        language="json"
        gutter={false}
        invalid={wrong}
        className="max-h-56 min-h-10"
        value={sample}
        onChange={setSample}
      />
      <p className="text-xs text-muted">
        {wrong ? <span className="text-failed">It is no JSON object.</span> : 'What the text is filled in with.'}
      </p>
    </div>
  )
}
