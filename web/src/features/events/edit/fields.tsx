import { useEffect, useId, useState } from 'react'
import type { ValueField } from '../../../components/value-fields.tsx'
import { cn } from '../../../lib/cn.ts'
import { sentence } from '../../../lib/sentence.ts'
import { CodeField } from '../../editor/code-field.tsx'
import { useUnreadable } from './editor-context.ts'
import { jsonText, readJson } from './read-json.ts'

/** A JSON value; empty: none. What cannot be read keeps the editor from saving. */
export function JsonField({
  label,
  value,
  onChange,
  error,
  hint,
  placeholder,
  className,
  optional = true,
}: ValueField<unknown>) {
  const id = useId()
  const [text, setText] = useState(() => jsonText(value))
  const read = readJson(text)
  useUnreadable(read.error !== undefined)
  const given = JSON.stringify(value)
  useEffect(() => {
    if (read.error === undefined && JSON.stringify(read.value) !== given) setText(jsonText(value))
    // oxlint-disable-next-line react/exhaustive-deps
  }, [given])
  const problem = read.error ?? error
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <span className="text-sm font-medium">
        {label}
        {optional && <span className="ml-1.5 font-normal text-muted">optional</span>}
      </span>
      <CodeField
        label={label}
        language="json"
        gutter={false}
        invalid={problem !== undefined}
        describedBy={`${id}-note`}
        placeholder={placeholder}
        value={text}
        className={cn('max-h-64 min-h-10', className)}
        onChange={(next) => {
          setText(next)
          const now = readJson(next)
          if (now.error === undefined) onChange(now.value)
        }}
      />
      <span id={`${id}-note`} className="flex flex-col gap-1 empty:hidden">
        {problem && <span className="text-sm text-failed">{read.error ? `It ${read.error}` : sentence(problem)}</span>}
        {hint && <span className="text-xs text-muted">{hint}</span>}
      </span>
    </div>
  )
}
