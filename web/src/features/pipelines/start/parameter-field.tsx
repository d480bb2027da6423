import { useId } from 'react'
import { Checkbox } from '../../../components/checkbox.tsx'
import { Field, Input, Select, TextArea } from '../../../components/field.tsx'
import { sentence } from '../../../lib/sentence.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import type { ParameterShape } from './start-form.ts'

interface ParameterFieldProps {
  name: string
  shape: ParameterShape
  value: string | boolean
  error?: string
  onChange: (value: string | boolean) => void
}

/** A declared variable as the control that fits its type. */
export function ParameterField({ name, shape, value, error, onChange }: ParameterFieldProps) {
  const id = useId()
  const hint = shape.description ? visibleText(shape.description) : undefined
  if (shape.type === 'boolean') {
    return (
      <div className="flex flex-col gap-1">
        <label className="flex items-center gap-2 text-sm font-medium">
          <Checkbox
            checked={value === true}
            aria-describedby={[error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ') || undefined}
            aria-invalid={error ? true : undefined}
            onChange={(event) => onChange(event.target.checked)}
          />
          <span className="min-w-0 wrap-anywhere">{visibleText(name)}</span>
        </label>
        {error && (
          <p id={`${id}-error`} className="text-sm text-failed">
            {sentence(error)}
          </p>
        )}
        {hint && (
          <p id={`${id}-hint`} className="text-xs text-muted">
            {hint}
          </p>
        )}
      </div>
    )
  }
  const text = String(value)
  return (
    <Field label={visibleText(name)} hint={hint} error={error} optional={!shape.required}>
      {(binding) => {
        const bound = { ...binding, required: shape.required, value: text }
        if (shape.type === 'choice') {
          return (
            <Select {...bound} onChange={(event) => onChange(event.target.value)}>
              {(shape.default === undefined || text === '') && <option value="">Choose…</option>}
              {shape.choices.map((choice) => (
                <option key={choice} value={choice}>
                  {visibleText(choice)}
                </option>
              ))}
            </Select>
          )
        }
        if (shape.type === 'json') {
          return (
            <TextArea
              {...bound}
              rows={4}
              className="font-mono"
              placeholder="JSON"
              onChange={(event) => onChange(event.target.value)}
            />
          )
        }
        return (
          <Input
            {...bound}
            inputMode={shape.type === 'number' ? 'decimal' : undefined}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => onChange(event.target.value)}
          />
        )
      }}
    </Field>
  )
}
