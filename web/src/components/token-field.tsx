import { X } from 'lucide-react'
import { useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import { cn } from '../lib/cn.ts'
import { Field } from './field.tsx'

interface TokenFieldProps {
  label: string
  value: readonly string[]
  onChange: (value: string[]) => void
  /** Offered while one types; anything else may be typed too. */
  offers?: readonly { value: string; label?: string }[]
  error?: string
  hint?: ReactNode
  optional?: boolean
  placeholder?: string
  className?: string
}

const split = (text: string) => text.split(/[\s,]+/).filter((part) => part !== '')

/**
 * Several short texts, each a chip. A comma, Enter, leaving the field or choosing an offer adds what was typed; a paste of
 * many adds all of them; Backspace in the empty field takes the last one back to be changed.
 */
export function TokenField({ value, onChange, offers = [], placeholder, ...field }: TokenFieldProps) {
  const [text, setText] = useState('')
  const listId = useId()
  const input = useRef<HTMLInputElement>(null)
  const add = (more: string) => {
    const fresh = split(more).filter((one, index, them) => !value.includes(one) && them.indexOf(one) === index)
    setText('')
    if (fresh.length > 0) onChange([...value, ...fresh])
  }
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'Enter' && text.trim() !== '') {
      event.preventDefault()
      add(text)
    } else if (event.key === 'Backspace' && text === '' && value.length > 0) {
      event.preventDefault()
      setText(value.at(-1)!)
      onChange(value.slice(0, -1))
    }
  }
  const left = offers.filter((offer) => !value.includes(offer.value))
  return (
    <Field {...field}>
      {(binding) => (
        <div
          className={cn(
            'flex min-h-8 flex-wrap items-center gap-1 rounded-md border border-line-strong bg-surface px-1 py-0.5',
            'focus-within:outline-2 focus-within:outline-offset-1 focus-within:outline-focus',
            binding['aria-invalid'] && 'border-failed-fill',
          )}
          onMouseDown={(event) => {
            if (event.target !== event.currentTarget) return
            event.preventDefault()
            input.current?.focus()
          }}
        >
          {value.map((one) => (
            <span
              key={one}
              className="inline-flex h-6 max-w-full items-center gap-0.5 rounded bg-waiting-soft pr-0.5 pl-1.5 font-mono text-xs text-text"
            >
              <span className="truncate">{one}</span>
              <button
                type="button"
                aria-label={`Remove ${one}`}
                onClick={() => {
                  onChange(value.filter((other) => other !== one))
                  input.current?.focus()
                }}
                className="flex size-5 items-center justify-center rounded text-muted hover:bg-surface hover:text-text"
              >
                <X aria-hidden className="size-3" />
              </button>
            </span>
          ))}
          <input
            {...binding}
            ref={input}
            list={left.length > 0 ? listId : undefined}
            className="h-6 min-w-32 flex-1 bg-transparent px-1.5 font-mono text-sm text-text outline-none placeholder:text-muted/80"
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            placeholder={value.length === 0 ? placeholder : undefined}
            value={text}
            onKeyDown={onKeyDown}
            onBlur={() => add(text)}
            onChange={(event) => {
              const now = event.target.value
              // What stands in the list was chosen there, or typed to its end.
              const chosen =
                !('inputType' in event.nativeEvent) || event.nativeEvent.inputType === 'insertReplacementText'
              if (/[\s,]/.test(now) || (chosen && left.some((offer) => offer.value === now))) add(now)
              else setText(now)
            }}
          />
          {left.length > 0 && (
            <datalist id={listId}>
              {left.map((offer) => (
                <option key={offer.value} value={offer.value}>
                  {offer.label}
                </option>
              ))}
            </datalist>
          )}
        </div>
      )}
    </Field>
  )
}
