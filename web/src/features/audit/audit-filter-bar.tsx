import { Select } from '../../components/field.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { ageLabels, ages, type Age, type AuditFilters } from './filters.ts'

interface AuditFilterBarProps {
  filters: AuditFilters
  /** `typed`: letter by letter, of which going back takes no notice. */
  onChange: (some: AuditFilters, typed?: boolean) => void
}

/** The beginnings of what is written, for those who do not know the words; more exact ones may be typed. */
const actions = ['job.', 'batch.', 'user.', 'user.sign_in', 'token.', 'queue.', 'channel.', 'certificate.', 'runner.']

const narrowBox = 'relative min-w-36 flex-1 sm:max-w-56'

export function AuditFilterBar({ filters, onChange }: AuditFilterBarProps) {
  return (
    <div className="flex flex-wrap items-center gap-2">
      <SearchBox
        label="Who"
        className={narrowBox}
        value={filters.actor ?? ''}
        onSearch={(actor) => onChange({ actor: actor.trim() || undefined }, true)}
      />
      <Select
        wide={false}
        aria-label="What"
        value={filters.action ?? ''}
        onChange={(event) => onChange({ action: event.target.value || undefined })}
      >
        <option value="">Everything</option>
        {[...actions, ...(filters.action && !actions.includes(filters.action) ? [filters.action] : [])].map(
          (action) => (
            <option key={action} value={action}>
              {action.endsWith('.') ? `${action}*` : action}
            </option>
          ),
        )}
      </Select>
      <SearchBox
        label="To what"
        placeholder="To what, e.g. user:anna"
        className={narrowBox}
        value={filters.target ?? ''}
        onSearch={(target) => onChange({ target: target.trim() || undefined }, true)}
      />
      <Select
        wide={false}
        aria-label="Result"
        value={filters.result ?? ''}
        onChange={(event) => onChange({ result: (event.target.value || undefined) as AuditFilters['result'] })}
      >
        <option value="">Done and refused</option>
        <option value="done">Done</option>
        <option value="refused">Refused</option>
      </Select>
      <Select
        wide={false}
        aria-label="When"
        value={filters.age ?? ''}
        onChange={(event) => onChange({ age: (event.target.value || undefined) as Age | undefined })}
      >
        <option value="">Any time</option>
        {(Object.keys(ages) as Age[]).map((age) => (
          <option key={age} value={age}>
            {ageLabels[age]}
          </option>
        ))}
      </Select>
    </div>
  )
}
