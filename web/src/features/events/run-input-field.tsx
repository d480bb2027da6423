import { FileUp } from 'lucide-react'
import { useRef, useState } from 'react'
import { Button, Toggle } from '../../components/button.tsx'
import { Field, Input, TextArea } from '../../components/field.tsx'
import { byteSize } from '../../lib/time.ts'
import { cn } from '../../lib/cn.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { inputProblem, type RunInput } from './run-input.ts'

interface RunInputFieldProps {
  value: RunInput
  onChange: (change: Partial<RunInput>) => void
  /** Somebody has tried to send it: what is missing is said, too. */
  tried: boolean
}

/** JSON to be typed, or a file: chosen, or dropped. */
export function RunInputField({ value, onChange, tried }: RunInputFieldProps) {
  const { from, text, file } = value
  const problem = from === 'file' && !file && !tried ? undefined : inputProblem(value)
  return (
    <div className="flex flex-col gap-3">
      <div role="group" aria-label="Kind of input" className="flex gap-1">
        <Toggle pressed={from === 'json'} onClick={() => onChange({ from: 'json' })}>
          JSON
        </Toggle>
        <Toggle pressed={from === 'file'} onClick={() => onChange({ from: 'file' })}>
          File
        </Toggle>
      </div>
      {from === 'json' ? (
        <Field
          label="Input"
          optional
          error={problem}
          hint="JSON. Left empty, it gets the input of its definition, or none."
        >
          {(binding) => (
            <TextArea
              {...binding}
              rows={5}
              className="font-mono text-sm"
              placeholder={'{"customer": 17}'}
              value={text}
              onChange={(change) => onChange({ text: change.target.value })}
              onKeyDown={(key) => {
                if (key.key === 'Enter' && (key.ctrlKey || key.metaKey)) key.currentTarget.form?.requestSubmit()
              }}
            />
          )}
        </Field>
      ) : (
        <FileInput value={value} onChange={onChange} problem={problem} />
      )}
    </div>
  )
}

function FileInput({
  value: { file, type },
  onChange,
  problem,
}: Pick<RunInputFieldProps, 'value' | 'onChange'> & { problem: string | undefined }) {
  const picker = useRef<HTMLInputElement>(null)
  const [over, setOver] = useState(false)
  const take = (chosen: File | undefined) => chosen && onChange({ file: chosen, type: chosen.type || typeOf(chosen) })
  return (
    <>
      <Field label="File" error={problem} hint="Its bytes are the input, as they are; at most 1 MiB">
        {(binding) => (
          <div
            className={cn(
              'flex min-w-0 items-center gap-3 rounded-md border border-dashed p-3',
              over ? 'border-accent bg-accent-soft' : 'border-line-strong bg-sunken',
            )}
            onDragOver={(drag) => {
              drag.preventDefault()
              setOver(true)
            }}
            onDragLeave={() => setOver(false)}
            onDrop={(drop) => {
              drop.preventDefault()
              setOver(false)
              take(drop.dataTransfer.files[0])
            }}
          >
            {/* The browser's own is drawn in another way by each; the button beside opens it. */}
            <input
              {...binding}
              ref={picker}
              type="file"
              tabIndex={-1}
              className="sr-only"
              onChange={(change) => take(change.target.files?.[0])}
            />
            <Button onClick={() => picker.current?.click()}>
              <FileUp aria-hidden className="size-4" /> {file ? 'Another file' : 'Choose a file'}
            </Button>
            <span className="min-w-0 flex-1 truncate text-sm text-muted" title={file?.name}>
              {file ? `${visibleText(file.name)} · ${byteSize(file.size)}` : 'or drop one here'}
            </span>
          </div>
        )}
      </Field>
      {file && (
        <Field label="Content type" hint="What the script is told it is">
          {(binding) => (
            <Input
              {...binding}
              autoComplete="off"
              spellCheck={false}
              maxLength={200}
              className="font-mono text-sm"
              placeholder="application/octet-stream"
              value={type}
              onChange={(change) => onChange({ type: change.target.value })}
            />
          )}
        </Field>
      )}
    </>
  )
}

/** Of files that browsers do not know. */
const typeOf = ({ name }: File) => (/\.(ya?ml|toml|log|md)$/i.test(name) ? 'text/plain' : 'application/octet-stream')
