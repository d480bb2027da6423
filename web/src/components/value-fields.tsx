import { useEffect, useState, type ReactNode } from 'react'
import { cn } from '../lib/cn.ts'
import { Checkbox } from './checkbox.tsx'
import { Field, Input, Select, TextArea } from './field.tsx'
import { KeyValues, type KeyValue } from './key-values.tsx'

/** Of a field that holds a value rather than the text that was typed. */
export interface ValueField<T> {
  label: string
  value: T
  onChange: (value: T) => void
  error?: string
  hint?: ReactNode
  optional?: boolean
  placeholder?: string
  className?: string
}

export function TextField({ value, onChange, placeholder, mono, ...field }: ValueField<string> & { mono?: boolean }) {
  return (
    <Field {...field}>
      {(binding) => (
        <Input
          {...binding}
          className={mono ? 'font-mono' : undefined}
          autoComplete="off"
          spellCheck={!mono}
          placeholder={placeholder}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  )
}

export function LinesField({
  value,
  onChange,
  placeholder,
  rows = 2,
  ...field
}: ValueField<string[]> & { rows?: number }) {
  const [text, setText] = useState(value.join('\n'))
  const lines = linesOf(text)
  const same = JSON.stringify(lines) === JSON.stringify(value)
  useEffect(() => {
    if (!same) setText(value.join('\n'))
    // Only when it was changed from elsewhere.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [JSON.stringify(value)])
  return (
    <Field {...field}>
      {(binding) => (
        <TextArea
          {...binding}
          rows={rows}
          className="field-sizing-content font-mono text-sm"
          placeholder={placeholder}
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            onChange(linesOf(event.target.value))
          }}
        />
      )}
    </Field>
  )
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

interface NumberFieldProps extends ValueField<number | undefined> {
  /** The value is so many times what is typed: 60 for minutes. */
  scale?: number
}

/** What is no number is handed on as it is typed: the server refuses it at its field, in its own words. */
export function NumberField({ value, onChange, placeholder, scale = 1, ...field }: NumberFieldProps) {
  const shown = typeof value === 'number' ? String(value / scale) : ((value as unknown as string) ?? '')
  const [text, setText] = useState(shown)
  useEffect(() => {
    if (valueOf(text, scale) !== value) setText(shown)
    // oxlint-disable-next-line react/exhaustive-deps
  }, [value])
  return (
    <Field {...field}>
      {(binding) => (
        <Input
          {...binding}
          inputMode="decimal"
          autoComplete="off"
          placeholder={placeholder}
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            onChange(valueOf(event.target.value, scale))
          }}
        />
      )}
    </Field>
  )
}

function valueOf(text: string, scale: number): number | undefined {
  if (text.trim() === '') return undefined
  const number = Number(text)
  return Number.isFinite(number) ? number * scale : (text as unknown as number)
}

interface ChoiceProps<K extends string> extends Omit<ValueField<K>, 'placeholder'> {
  options: Readonly<Record<K, string>>
}

export function ChoiceField<K extends string>({ value, onChange, options, ...field }: ChoiceProps<K>) {
  return (
    <Field {...field}>
      {(binding) => (
        <Select {...binding} value={value} onChange={(event) => onChange(event.target.value as K)}>
          {Object.entries<string>(options).map(([key, text]) => (
            <option key={key} value={key}>
              {text}
            </option>
          ))}
        </Select>
      )}
    </Field>
  )
}

type CheckFieldProps = Pick<ValueField<boolean>, 'label' | 'value' | 'onChange' | 'hint' | 'className'>

export function CheckField({ label, value, onChange, hint, className }: CheckFieldProps) {
  return (
    <label className={cn('flex items-center gap-2 text-sm font-medium', className)}>
      <Checkbox checked={value} onChange={(event) => onChange(event.target.checked)} />
      <span>
        {label}
        {hint && <span className="block text-xs font-normal text-muted">{hint}</span>}
      </span>
    </label>
  )
}

interface RecordFieldProps {
  legend: string
  value: Readonly<Record<string, string>>
  onChange: (value: Record<string, string>) => void
  error?: string
  hint?: string
  keyPlaceholder?: string
}

/** Names and texts. A row without a name is not yet one. */
export function RecordField({ value, onChange, ...rest }: RecordFieldProps) {
  const [rows, setRows] = useState<KeyValue[]>(() => rowsOf(value))
  const given = JSON.stringify(value)
  useEffect(() => {
    if (JSON.stringify(recordOf(rows)) !== given) setRows(rowsOf(value))
    // oxlint-disable-next-line react/exhaustive-deps
  }, [given])
  return (
    <KeyValues
      {...rest}
      rows={rows}
      onChange={(next) => {
        setRows(next)
        onChange(recordOf(next))
      }}
    />
  )
}

const rowsOf = (value: Readonly<Record<string, string>>): KeyValue[] =>
  Object.entries(value).map(([key, text]) => ({ key, value: text }))
const recordOf = (rows: readonly KeyValue[]) =>
  Object.fromEntries(rows.filter(({ key }) => key !== '').map(({ key, value }) => [key, value]))
