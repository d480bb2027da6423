import { Checkbox } from '../../../components/checkbox.tsx'
import { KeyValues, type KeyValue } from '../../../components/key-values.tsx'
import { ParameterField } from './parameter-field.tsx'
import type { Parameters, Typed } from './start-form.ts'

interface VariableFieldsProps {
  parameters: Parameters
  typed: Typed
  onTyped: (name: string, value: string | boolean) => void
  /** Of a pipeline that declares none. */
  rows: KeyValue[]
  onRows: (rows: KeyValue[]) => void
  json: boolean
  onJson: (json: boolean) => void
  hint: string
  /** By name; `free`: of the rows. */
  errors: Record<string, string>
}

/** The variables of a run: a field for each one that is declared, in the author's order, else rows of any names. */
export function VariableFields(props: VariableFieldsProps) {
  const { parameters, typed, onTyped, rows, onRows, json, onJson, hint, errors } = props
  const declared = Object.entries(parameters)
  if (declared.length > 0) {
    return declared.map(([name, shape]) => (
      <ParameterField
        key={name}
        name={name}
        shape={shape}
        value={typed[name] ?? ''}
        error={errors[name]}
        onChange={(value) => onTyped(name, value)}
      />
    ))
  }
  return (
    <div className="flex flex-col gap-2">
      <KeyValues
        legend="Variables"
        keyPlaceholder="name"
        hint={hint}
        rows={rows}
        onChange={onRows}
        error={errors['free']}
      />
      {rows.length > 0 && (
        <label className="flex items-center gap-2 text-sm">
          <Checkbox checked={json} onChange={(event) => onJson(event.target.checked)} />
          The values are JSON: 3, true, ["a", "b"]
        </label>
      )}
    </div>
  )
}
