import { Toggle } from '../../../components/button.tsx'
import { Select } from '../../../components/field.tsx'
import { FilterChips } from '../../../components/filter-chips.tsx'
import { SearchBox } from '../../../components/search-box.tsx'
import type { EventStatus } from '../../../lib/api.ts'
import type { EventFilters } from '../filters.ts'
import { kindLabels, kinds, statuses, statusLabels } from '../words.ts'

interface EventFilterBarProps {
  filters: EventFilters
  counts: Partial<Record<EventStatus, number>> | undefined
  tags: readonly string[]
  onChange: (change: EventFilters) => void
  onClear: () => void
  searchRef: React.RefObject<HTMLInputElement | null>
}

export function EventFilterBar({ filters, counts, tags, onChange, onClear, searchRef }: EventFilterBarProps) {
  const { q, status, kind, tag, owner, failing, unknown } = filters
  const chip = (key: keyof EventFilters, name: string, value: string | undefined) =>
    value !== undefined && { key, name, value, onRemove: () => onChange({ [key]: undefined }) }
  const chips = [
    chip('q', 'Name', q),
    chip('kind', 'Kind', kind && kindLabels[kind]),
    chip('tag', 'Tag', tag),
    chip('owner', 'Owner', owner),
    chip('unknown', 'Not a filter', unknown),
  ].filter((one) => typeof one === 'object')
  return (
    <div role="search" aria-label="Events" className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <SearchBox
          label="Search by name or description"
          placeholder="Search  ( / )"
          value={q ?? ''}
          onSearch={(text) => onChange({ q: text || undefined })}
          inputRef={searchRef}
        />
        <Select
          aria-label="Kind"
          wide={false}
          value={kind ?? ''}
          onChange={(event) => onChange({ kind: (event.target.value || undefined) as EventFilters['kind'] })}
        >
          <option value="">Any kind</option>
          {kinds.map((one) => (
            <option key={one} value={one}>
              {kindLabels[one]}
            </option>
          ))}
        </Select>
        {(tags.length > 0 || tag) && (
          <Select
            aria-label="Tag"
            wide={false}
            value={tag ?? ''}
            onChange={(event) => onChange({ tag: event.target.value || undefined })}
          >
            <option value="">Any tag</option>
            {[...new Set([...tags, ...(tag ? [tag] : [])])].map((one) => (
              <option key={one}>{one}</option>
            ))}
          </Select>
        )}
        <div role="group" aria-label="Status" className="flex max-w-full gap-0.5 overflow-x-auto">
          {statuses.map((one) => (
            <Toggle
              key={one}
              pressed={status === one}
              onClick={() => onChange({ status: status === one ? undefined : one })}
            >
              {statusLabels[one]}
              <span className="text-xs font-normal tabular-nums opacity-80">{counts?.[one] ?? 0}</span>
            </Toggle>
          ))}
          <Toggle pressed={failing === true} onClick={() => onChange({ failing: failing ? undefined : true })}>
            Failing
          </Toggle>
        </div>
      </div>
      <FilterChips chips={chips} onClear={onClear} />
    </div>
  )
}
