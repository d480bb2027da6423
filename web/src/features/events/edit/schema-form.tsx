import { choicesOf, labelOf, lookOf, type JsonSchema } from '../../editor/schema.ts'
import { Field, TextArea } from '../../../components/field.tsx'
import { CheckField, ChoiceField, LinesField, NumberField, TextField } from '../../../components/value-fields.tsx'
import { JsonField } from './fields.tsx'

interface SchemaFormProps {
  schema: JsonSchema
  value: Readonly<Record<string, unknown>>
  onChange: (value: Record<string, unknown>) => void
  errorOf: (field: string) => string | undefined
  /** Nothing is required: a template says the rest. */
  lenient?: boolean
}

/** Fields for what a tool's action takes. */
export function SchemaForm({ schema, value, onChange, errorOf, lenient }: SchemaFormProps) {
  const required = new Set(lenient ? [] : schema.required)
  const set = (name: string, one: unknown) => {
    const { [name]: _, ...rest } = value
    onChange(one === undefined || one === '' ? rest : { ...rest, [name]: one })
  }
  // In the order of the schema: what is changed does not jump.
  const names = Object.keys(schema.properties ?? {})
  return (
    <div className="flex flex-col gap-4">
      {names.map((name) => (
        <SchemaField
          key={name}
          name={name}
          schema={schema.properties![name]!}
          value={value[name]}
          onChange={(one) => set(name, one)}
          error={errorOf(name)}
          optional={!required.has(name)}
        />
      ))}
    </div>
  )
}

interface SchemaFieldProps {
  name: string
  schema: JsonSchema
  value: unknown
  onChange: (value: unknown) => void
  error: string | undefined
  optional: boolean
}

function SchemaField({ name, schema, value, onChange, error, optional }: SchemaFieldProps) {
  const label = labelOf(name, schema)
  const common = { label, error, optional, hint: schema.description }
  const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)
  switch (lookOf(name, schema)) {
    case 'line':
      return <TextField {...common} value={text} onChange={onChange} />
    case 'text':
      return (
        <Field {...common}>
          {(binding) => (
            <TextArea
              {...binding}
              rows={3}
              className="field-sizing-content"
              value={text}
              onChange={(event) => onChange(event.target.value)}
            />
          )}
        </Field>
      )
    case 'choice': {
      const options = Object.fromEntries(choicesOf(schema).map((one) => [one, one]))
      return (
        <ChoiceField
          {...common}
          options={optional ? { '': 'As usual', ...options } : options}
          value={text}
          onChange={onChange}
        />
      )
    }
    case 'check':
      return <CheckField label={label} hint={schema.description} value={value === true} onChange={onChange} />
    case 'number':
      return <NumberField {...common} value={value as number | undefined} onChange={onChange} />
    case 'lines': {
      const lines = Array.isArray(value) ? value.map(String) : value === undefined ? [] : [String(value)]
      return (
        <LinesField
          {...common}
          hint={schema.description ?? 'One a line'}
          value={lines}
          onChange={(next) => onChange(next.length === 0 ? undefined : next)}
        />
      )
    }
    case 'json':
      return <JsonField {...common} value={value} onChange={onChange} />
  }
}
