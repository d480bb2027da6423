import { X } from 'lucide-react'
import type { RefObject } from 'react'
import { Button, Toggle } from '../../../components/button.tsx'
import { Select } from '../../../components/field.tsx'
import { SearchBox } from '../../../components/search-box.tsx'
import type { Batch } from '../../../lib/api.ts'
import { count } from '../count-words.tsx'
import { batchWords } from '../filters.ts'
import type { MemberFilters, MemberSort } from './arrange.ts'

const sortWords: Record<MemberSort, string> = {
  attention: 'Failed first',
  place: 'As in the batch',
  name: 'By name',
  slowest: 'Slowest first',
}

interface MemberFilterBarProps {
  filters: MemberFilters
  batch: Batch
  onChange: (change: MemberFilters) => void
  searchRef: RefObject<HTMLInputElement | null>
}

export function MemberFilterBar({ filters, batch, onChange, searchRef }: MemberFilterBarProps) {
  const filtered = filters.status ?? filters.q ?? filters.failure
  return (
    <div role="search" className="flex flex-wrap items-center gap-2">
      <SearchBox
        label="Search members by name"
        placeholder="Search by name  ( / )"
        value={filters.q ?? ''}
        onSearch={(q) => onChange({ q: q || undefined })}
        inputRef={searchRef}
      />
      <div role="group" aria-label="Which members" className="flex flex-wrap gap-1">
        <Toggle pressed={!filters.status} onClick={() => onChange({ status: undefined })}>
          All
        </Toggle>
        {batchWords.map(({ word, label }) => (
          <Toggle
            key={word}
            pressed={filters.status === word}
            onClick={() => onChange({ status: word, failure: word === 'failed' ? filters.failure : undefined })}
          >
            {label} <span className="tabular-nums">{count.format(batch.counts[word])}</span>
          </Toggle>
        ))}
      </div>
      <Select
        aria-label="Order"
        wide={false}
        value={filters.sort ?? 'attention'}
        onChange={(event) => {
          const sort = event.target.value as MemberSort
          onChange({ sort: sort === 'attention' ? undefined : sort })
        }}
      >
        {Object.entries(sortWords).map(([sort, label]) => (
          <option key={sort} value={sort}>
            {label}
          </option>
        ))}
      </Select>
      {filtered !== undefined && (
        <Button kind="quiet" onClick={() => onChange({ status: undefined, q: undefined, failure: undefined })}>
          <X aria-hidden className="size-3.5" /> Clear filters
        </Button>
      )}
    </div>
  )
}
