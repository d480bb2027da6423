import { Plus, X } from 'lucide-react'
import { useRef, type ClipboardEvent } from 'react'
import { sentence } from '../lib/sentence.ts'
import { Button, IconButton } from './button.tsx'
import { Input } from './field.tsx'

export interface KeyValue {
  key: string
  value: string
}

interface KeyValuesProps {
  legend: string
  hint?: string
  rows: KeyValue[]
  onChange: (rows: KeyValue[]) => void
  /** Values are typed unseen. */
  secret?: boolean
  error?: string
  keyPlaceholder?: string
}

/** Names and values, a row each. Pasting lines of `NAME=value` into a name fills as many rows. */
export function KeyValues({ legend, hint, rows, onChange, secret, error, keyPlaceholder = 'NAME' }: KeyValuesProps) {
  const set = (index: number, change: Partial<KeyValue>) =>
    onChange(rows.map((row, i) => (i === index ? { ...row, ...change } : row)))
  const list = useRef<HTMLDivElement>(null)
  const add = () => {
    onChange([...rows, { key: '', value: '' }])
    requestAnimationFrame(() => list.current?.querySelector<HTMLInputElement>('[data-row]:last-child input')?.focus())
  }
  const paste = (index: number) => (event: ClipboardEvent) => {
    const pasted = readLines(event.clipboardData.getData('text'))
    if (pasted.length === 0) return
    event.preventDefault()
    onChange([...rows.slice(0, index), ...pasted, ...rows.slice(index + 1)])
  }
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5">
      <legend className="mb-1 text-sm font-medium">{legend}</legend>
      <div ref={list} className="flex flex-col gap-1.5">
        {rows.map((row, index) => (
          <div key={index} data-row className="flex items-center gap-1.5">
            <Input
              aria-label={`${legend}: name ${index + 1}`}
              wide={false}
              className="w-2/5 font-mono"
              placeholder={keyPlaceholder}
              value={row.key}
              spellCheck={false}
              autoComplete="off"
              onPaste={paste(index)}
              onChange={(event) => set(index, { key: event.target.value })}
            />
            <Input
              aria-label={`${legend}: value ${index + 1}`}
              wide={false}
              className="flex-1 font-mono"
              type={secret ? 'password' : 'text'}
              autoComplete={secret ? 'new-password' : 'off'}
              spellCheck={false}
              value={row.value}
              onChange={(event) => set(index, { value: event.target.value })}
            />
            <IconButton label={`Remove row ${index + 1}`} onClick={() => onChange(rows.filter((_, i) => i !== index))}>
              <X aria-hidden className="size-4" />
            </IconButton>
          </div>
        ))}
      </div>
      {error && (
        <p role="alert" className="text-sm text-failed">
          {sentence(error)}
        </p>
      )}
      <div className="flex items-center gap-3">
        <Button onClick={add} size="small">
          <Plus aria-hidden className="size-3.5" /> Add
        </Button>
        {hint && <p className="text-xs text-muted">{hint}</p>}
      </div>
    </fieldset>
  )
}

function readLines(text: string): KeyValue[] {
  return text
    .split('\n')
    .map((line) => /^\s*(?:export\s+)?([^=\s#]+)=(.*?)\r?$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({ key: match[1] ?? '', value: (match[2] ?? '').replace(/^(["'])(.*)\1$/, '$2') }))
}
