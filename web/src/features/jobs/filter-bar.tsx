import { useQuery } from '@tanstack/react-query'
import { Tag } from 'lucide-react'
import { useEffect, useState, type RefObject } from 'react'
import { Input, Select } from '../../components/field.tsx'
import { FilterChips, type Chip } from '../../components/filter-chips.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { hostNamesQuery } from '../hosts/queries.ts'
import { ageLabels, allExecutors, type Age, type JobFilters } from './filters.ts'
import { executorWords } from './place/executors.ts'
import { queuesQuery, statsQuery } from './queries.ts'
import { allStates, states, tones, type JobState } from './states.ts'

interface FilterBarProps {
  filters: JobFilters
  onChange: (change: JobFilters) => void
  onClear: () => void
  searchRef: RefObject<HTMLInputElement | null>
}

/** All ways to narrow the list; what is in use is told again as chips that take it away. */
export function FilterBar({ filters, onChange, onClear, searchRef }: FilterBarProps) {
  const queues = useQuery(queuesQuery).data?.map(({ name }) => name) ?? []
  const owners = useQuery(statsQuery).data?.users.map(({ username }) => username) ?? []
  return (
    <div role="search" aria-label="Jobs" className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <SearchBox
          label="Search by name"
          placeholder="Search by name  ( / )"
          value={filters.q ?? ''}
          onSearch={(q) => onChange({ q: q || undefined })}
          inputRef={searchRef}
        />
        <Choice
          label="State"
          any="Any state"
          value={filters.state}
          options={allStates.map((state) => [state, states[state].label])}
          onChange={(state) => onChange({ state: state as JobState | undefined, status: undefined })}
        />
        <Choice
          label="Queue"
          any="Any queue"
          value={filters.queue}
          options={queues.map((name) => [name, name])}
          onChange={(queue) => onChange({ queue })}
        />
        <Choice
          label="Executor"
          any="Any executor"
          value={filters.executor}
          options={allExecutors.map((kind) => [kind, executorWords(kind).label])}
          onChange={(executor) => onChange({ executor, host: executor === 'ssh' ? filters.host : undefined })}
        />
        {(filters.executor === 'ssh' || filters.host !== undefined) && (
          <HostChoice value={filters.host} onChange={(host) => onChange({ host })} />
        )}
        {(owners.length > 1 || filters.owner) && (
          <Choice
            label="Owner"
            any="Any owner"
            value={filters.owner}
            options={owners.map((name) => [name, name])}
            onChange={(owner) => onChange({ owner })}
          />
        )}
        <Choice
          label="Created"
          any="Any time"
          value={filters.since}
          options={Object.entries(ageLabels)}
          onChange={(since) => onChange({ since: since as Age | undefined })}
        />
        <LabelBox value={filters.label ?? ''} onChange={(label) => onChange({ label: label || undefined })} />
      </div>
      <FilterChips chips={chipsOf(filters, onChange)} onClear={onClear} />
    </div>
  )
}

function chipsOf(filters: JobFilters, onChange: (change: JobFilters) => void): Chip[] {
  const words: { [K in keyof JobFilters]-?: [name: string, value: string | undefined] } = {
    q: ['Name', filters.q],
    status: ['Status', tones.find(({ tone }) => tone === filters.status)?.label],
    state: ['State', filters.state && states[filters.state].label],
    queue: ['Queue', filters.queue],
    executor: ['Executor', filters.executor && executorWords(filters.executor).label],
    host: ['Host', filters.host],
    owner: ['Owner', filters.owner],
    batch_id: ['Batch', filters.batch_id],
    label: ['Label', filters.label],
    since: ['Created', filters.since && ageLabels[filters.since]],
    unknown: ['Not a filter here:', filters.unknown],
  }
  return Object.entries(words).flatMap(([key, [name, value]]) =>
    value === undefined ? [] : [{ key, name, value, onRemove: () => onChange({ [key]: undefined }) }],
  )
}

interface ChoiceProps {
  label: string
  any: string
  value: string | undefined
  options: [value: string, label: string][]
  onChange: (value: string | undefined) => void
}

function Choice({ label, any, value, options, onChange }: ChoiceProps) {
  // What the address names may be gone, or not be loaded yet; it is what the list is narrowed to all the same.
  const known = value === undefined || options.some(([key]) => key === value)
  return (
    <Select
      aria-label={label}
      wide={false}
      className="max-w-44"
      value={value ?? ''}
      onChange={(event) => onChange(event.target.value || undefined)}
    >
      <option value="">{any}</option>
      {!known && <option value={value}>{value}</option>}
      {options.map(([key, text]) => (
        <option key={key} value={key}>
          {text}
        </option>
      ))}
    </Select>
  )
}

/** Asked for only when somebody looks at jobs of hosts. */
function HostChoice({ value, onChange }: Pick<ChoiceProps, 'value' | 'onChange'>) {
  const names = useQuery(hostNamesQuery).data?.map(({ name }) => name) ?? []
  return (
    <Choice label="Host" any="Any host" value={value} options={names.map((name) => [name, name])} onChange={onChange} />
  )
}

/** Labels are sought when they are complete: half of one would be refused. */
function LabelBox({ value, onChange }: { value: string; onChange: (label: string) => void }) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  const done = () => text.trim() !== value && onChange(text.trim())
  return (
    <div className="relative w-44 max-sm:flex-1">
      <Tag aria-hidden className="absolute top-2 left-2.5 size-4 text-muted" />
      <Input
        aria-label="Label"
        placeholder="label=value"
        icon
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={done}
        onKeyDown={(event) => event.key === 'Enter' && done()}
      />
    </div>
  )
}
