import { Field, Input, Select } from '../../components/field.tsx'
import { roleMeaning, roles, type Role } from './user.ts'

interface UserFieldsProps {
  role: Role
  maxRunning: string
  onChange: (change: { role?: Role; maxRunning?: string }) => void
  /** Nobody takes their own rights away. */
  ownRole?: boolean
  errorOf: (field: string) => string | undefined
}

/** What an account has both when it is made and later. */
export function UserFields({ role, maxRunning, onChange, ownRole, errorOf }: UserFieldsProps) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field
        label="Role"
        hint={ownRole ? 'Another administrator can change your role.' : roleMeaning[role]}
        error={errorOf('role')}
      >
        {(binding) => (
          <Select
            {...binding}
            value={role}
            disabled={ownRole}
            onChange={(event) => onChange({ role: roles.find((each) => each === event.target.value) })}
          >
            {roles.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </Select>
        )}
      </Field>
      <Field label="Jobs at once" hint="How many of theirs may run at a time" error={errorOf('max_running')}>
        {(binding) => (
          <Input
            {...binding}
            inputMode="numeric"
            value={maxRunning}
            onChange={(event) => onChange({ maxRunning: event.target.value })}
          />
        )}
      </Field>
    </div>
  )
}

/** What is no number goes to the server as it is, which says what is wrong with it. */
export const wholeNumber = (text: string): number => {
  const value = Number(text.trim())
  return text.trim() === '' || Number.isNaN(value) ? (text as unknown as number) : value
}
