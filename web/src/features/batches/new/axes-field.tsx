import { Plus, X } from 'lucide-react'
import { useState, type ClipboardEvent, type KeyboardEvent } from 'react'
import { Button, IconButton } from '../../../components/button.tsx'
import { Input } from '../../../components/field.tsx'
import type { Axis } from './batch-form.ts'

interface AxesFieldProps {
  axes: Axis[]
  onChange: (axes: Axis[]) => void
  error: string | undefined
}

/** The axes of the fan: a name, and its values as chips. */
export function AxesField({ axes, onChange, error }: AxesFieldProps) {
  const set = (index: number, change: Partial<Axis>) =>
    onChange(axes.map((axis, i) => (i === index ? { ...axis, ...change } : axis)))
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5">
      <legend className="mb-1 text-sm font-medium">Axes</legend>
      {axes.map((axis, index) => (
        <div key={index} className="flex items-start gap-1.5">
          <Input
            aria-label={`Axis ${index + 1}: name`}
            wide={false}
            className="w-28 font-mono sm:w-36"
            placeholder="browser"
            spellCheck={false}
            value={axis.name}
            onChange={(event) => set(index, { name: event.target.value })}
          />
          <Chips
            label={`Axis ${index + 1}: values`}
            values={axis.values}
            onChange={(values) => set(index, { values })}
          />
          <IconButton label={`Remove axis ${index + 1}`} onClick={() => onChange(axes.filter((_, i) => i !== index))}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </div>
      ))}
      {error && (
        <p role="alert" className="text-sm text-failed">
          {error}
        </p>
      )}
      <div className="flex items-center gap-3">
        <Button size="small" onClick={() => onChange([...axes, { name: '', values: [] }])}>
          <Plus aria-hidden className="size-3.5" /> Add an axis
        </Button>
        <p className="text-xs text-muted">Enter or a comma ends a value; 1..20 is all numbers from 1 to 20</p>
      </div>
    </fieldset>
  )
}

interface ChipsProps {
  label: string
  values: string[]
  onChange: (values: string[]) => void
}

function Chips({ label, values, onChange }: ChipsProps) {
  const [text, setText] = useState('')
  const add = (more: string) => {
    const fresh = more
      .split(/[,\n]/)
      .map((part) => part.trim())
      .filter((part) => part !== '' && !values.includes(part))
    setText('')
    if (fresh.length > 0) onChange([...values, ...fresh])
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && text.trim() !== '') {
      event.preventDefault()
      add(text)
    } else if (event.key === 'Backspace' && text === '' && values.length > 0) {
      onChange(values.slice(0, -1))
    }
  }
  const paste = (event: ClipboardEvent) => {
    const pasted = event.clipboardData.getData('text')
    if (!/[,\n]/.test(pasted)) return
    event.preventDefault()
    add(text + pasted)
  }
  return (
    <div className="flex min-h-8 min-w-0 flex-1 flex-wrap items-center gap-1 rounded-md border border-line-strong bg-surface px-1 py-0.5">
      {values.map((value) => (
        <span
          key={value}
          className="inline-flex h-6 max-w-full items-center gap-0.5 rounded bg-accent-soft pl-2 font-mono text-sm text-accent"
        >
          <span className="truncate">{value}</span>
          <button
            type="button"
            aria-label={`Remove ${value}`}
            onClick={() => onChange(values.filter((other) => other !== value))}
            className="flex size-6 items-center justify-center rounded hover:bg-surface"
          >
            <X aria-hidden className="size-3" />
          </button>
        </span>
      ))}
      <input
        aria-label={label}
        value={text}
        placeholder={values.length === 0 ? 'chrome, firefox' : ''}
        spellCheck={false}
        onChange={(event) => (event.target.value.includes(',') ? add(event.target.value) : setText(event.target.value))}
        onKeyDown={onKeyDown}
        onPaste={paste}
        onBlur={() => add(text)}
        className="h-6 min-w-24 flex-1 bg-transparent px-1 font-mono text-sm outline-none placeholder:text-muted/80"
      />
    </div>
  )
}
