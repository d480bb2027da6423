import { useQuery } from '@tanstack/react-query'
import type { RefObject } from 'react'
import { Select } from '../../components/field.tsx'
import { FilterChips, type Chip } from '../../components/filter-chips.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import type { StatusWord } from '../../lib/api.ts'
import { ageLabels, type Age } from '../jobs/filters.ts'
import { statsQuery } from '../jobs/queries.ts'
import { useMe } from '../session/session.ts'
import { batchWords, labelOf, type BatchFilters } from './filters.ts'

interface GalleryFiltersProps {
  filters: BatchFilters
  onChange: (change: BatchFilters) => void
  onClear: () => void
  searchRef: RefObject<HTMLInputElement | null>
}

export function GalleryFilters({ filters, onChange, onClear, searchRef }: GalleryFiltersProps) {
  const me = useMe()
  const users = useQuery(statsQuery).data?.users ?? []
  const owners = new Set([me?.username, ...users.map(({ username }) => username), filters.owner])
  owners.delete(undefined)
  return (
    <div role="search" aria-label="Batches" className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <SearchBox
          label="Search by name"
          placeholder="Search by name  ( / )"
          value={filters.name ?? ''}
          onSearch={(name) => onChange({ name: name || undefined })}
          inputRef={searchRef}
        />
        <Select
          aria-label="Status"
          wide={false}
          value={filters.status ?? ''}
          onChange={(event) => onChange({ status: (event.target.value || undefined) as StatusWord | undefined })}
        >
          <option value="">Any status</option>
          {batchWords.map(({ word, label }) => (
            <option key={word} value={word}>
              {label}
            </option>
          ))}
        </Select>
        {owners.size > 1 && (
          <Select
            aria-label="Owner"
            wide={false}
            className="max-w-48"
            value={filters.owner ?? ''}
            onChange={(event) => onChange({ owner: event.target.value || undefined })}
          >
            <option value="">Anybody's</option>
            {[...owners].map((owner) => (
              <option key={owner} value={owner}>
                {owner === me?.username ? `Mine (${owner})` : owner}
              </option>
            ))}
          </Select>
        )}
        <Select
          aria-label="Created"
          wide={false}
          value={filters.since ?? ''}
          onChange={(event) => onChange({ since: (event.target.value || undefined) as Age | undefined })}
        >
          <option value="">Any time</option>
          {Object.entries(ageLabels).map(([age, label]) => (
            <option key={age} value={age}>
              {label}
            </option>
          ))}
        </Select>
      </div>
      <FilterChips chips={chipsOf(filters, onChange)} onClear={onClear} />
    </div>
  )
}

function chipsOf(filters: BatchFilters, onChange: (change: BatchFilters) => void): Chip[] {
  const words: { [K in keyof BatchFilters]-?: [name: string, value: string | undefined] } = {
    name: ['Name', filters.name],
    status: ['Status', filters.status && labelOf(filters.status)],
    owner: ['Owner', filters.owner],
    since: ['Created', filters.since && ageLabels[filters.since]],
    unknown: ['Not a filter here:', filters.unknown],
  }
  return Object.entries(words).flatMap(([key, [name, value]]) =>
    value === undefined ? [] : [{ key, name, value, onRemove: () => onChange({ [key]: undefined }) }],
  )
}
