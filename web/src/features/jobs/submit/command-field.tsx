import { Toggle } from '../../../components/button.tsx'
import { Field, TextArea } from '../../../components/field.tsx'
import type { FormPart } from './use-submit.ts'

export function CommandField({ form, errors, set }: FormPart) {
  const shell = form.mode === 'shell'
  return (
    <div className="flex flex-col gap-2">
      <div role="group" aria-label="How the command is given" className="flex gap-1">
        <Toggle pressed={shell} onClick={() => set({ mode: 'shell' })}>
          Shell line
        </Toggle>
        <Toggle pressed={!shell} onClick={() => set({ mode: 'argv' })}>
          Program and arguments
        </Toggle>
      </div>
      <Field
        label={shell ? 'Shell line' : 'Program and arguments'}
        error={errors['command']}
        hint={
          shell
            ? 'Run by bash: pipes, variables and several lines work'
            : 'One on each line, exactly as the program gets them; no quoting'
        }
      >
        {(binding) => (
          <TextArea
            {...binding}
            autoFocus
            className="field-sizing-content min-h-20 font-mono"
            placeholder={shell ? 'make test 2>&1 | tail -50' : 'python3\n-c\nprint("one argument")'}
            value={shell ? form.line : form.argv}
            onChange={(e) => set(shell ? { line: e.target.value } : { argv: e.target.value })}
            onKeyDown={(e) => {
              if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) e.currentTarget.form?.requestSubmit()
            }}
          />
        )}
      </Field>
    </div>
  )
}
