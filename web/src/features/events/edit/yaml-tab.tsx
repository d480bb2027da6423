import { useRef, useState } from 'react'
import { sentence } from '../../../lib/sentence.ts'
import CodeEditor from '../../editor/code-editor.tsx'
import type { Draft } from './draft.ts'
import { useUnreadable } from './editor-context.ts'
import { readYaml, yamlOf } from './yaml-text.ts'

interface YamlTabProps {
  draft: Draft
  onDraft: (draft: Draft) => void
}

/** The whole event as text; the other tabs show the same. A file of its own, as the reader of YAML is. */
export default function YamlTab({ draft, onDraft }: YamlTabProps) {
  const [text, setText] = useState(() => yamlOf(draft))
  const first = useRef(draft)
  const read = readYaml(text, first.current)
  const error = 'error' in read ? read.error : undefined
  useUnreadable(error !== undefined)
  return (
    <div className="flex flex-1 flex-col gap-2">
      <CodeEditor
        label="The event as YAML"
        language="yaml"
        invalid={error !== undefined}
        className="h-[32rem] xl:h-[max(20rem,calc(100dvh-12rem))]"
        value={text}
        onChange={(next) => {
          setText(next)
          const now = readYaml(next, first.current)
          if ('draft' in now) onDraft(now.draft)
        }}
      />
      <p className="text-xs text-muted">
        {error ? (
          <span className="text-sm text-failed">{sentence(error)}</span>
        ) : (
          <>
            The same as in a file for <code className="font-mono">runyard event create -f</code>. Secrets stand in it by
            name only.
          </>
        )}
      </p>
    </div>
  )
}
