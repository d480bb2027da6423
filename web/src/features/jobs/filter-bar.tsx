import { useQuery } from '@tanstack/react-query'
import { Search, X } from 'lucide-react'
import { useEffect, useRef, useState, type RefObject } from 'react'
import { Button } from '../../components/button.tsx'
import { Input, Select } from '../../components/field.tsx'
import { isFiltered, type JobFilters } from './filters.ts'
import { queuesQuery } from './queries.ts'
import { allStates, states, type JobState } from './states.ts'

interface FilterBarProps {
  filters: JobFilters
  onChange: (change: JobFilters) => void
  onClear: () => void
  searchRef: RefObject<HTMLInputElement | null>
}

export function FilterBar({ filters, onChange, onClear, searchRef }: FilterBarProps) {
  const queues = useQuery(queuesQuery).data ?? []
  const names = queues.map((queue) => queue.name)
  if (filters.queue && !names.includes(filters.queue)) names.push(filters.queue)
  return (
    <div role="search" className="flex flex-wrap items-center gap-2">
      <SearchBox value={filters.q ?? ''} onSearch={(q) => onChange({ q: q || undefined })} inputRef={searchRef} />
      <Select
        aria-label="State"
        wide={false}
        value={filters.state ?? ''}
        onChange={(event) =>
          onChange({ state: (event.target.value || undefined) as JobState | undefined, status: undefined })
        }
      >
        <option value="">Any state</option>
        {allStates.map((state) => (
          <option key={state} value={state}>
            {states[state].label}
          </option>
        ))}
      </Select>
      <Select
        aria-label="Queue"
        wide={false}
        className="max-w-48"
        value={filters.queue ?? ''}
        onChange={(event) => onChange({ queue: event.target.value || undefined })}
      >
        <option value="">Any queue</option>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </Select>
      {isFiltered(filters) && (
        <Button kind="quiet" onClick={onClear}>
          <X aria-hidden className="size-3.5" /> Clear filters
        </Button>
      )}
    </div>
  )
}

/** Searches while one types, a moment after the last key. */
function SearchBox(props: {
  value: string
  onSearch: (q: string) => void
  inputRef: RefObject<HTMLInputElement | null>
}) {
  const { value, inputRef } = props
  const [text, setText] = useState(value)
  const search = useRef(props.onSearch)
  search.current = props.onSearch
  const sent = useRef(value)
  useEffect(() => {
    // Changed from elsewhere: back button, a cleared filter.
    if (value !== sent.current) setText(value)
    sent.current = value
  }, [value])
  useEffect(() => {
    if (text === sent.current) return
    const timer = setTimeout(() => {
      sent.current = text
      search.current(text)
    }, 250)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <div className="relative min-w-0 basis-full sm:max-w-sm sm:flex-1 sm:basis-48">
      <Search aria-hidden className="absolute top-2 left-2.5 size-4 text-muted" />
      <Input
        ref={inputRef}
        type="search"
        aria-label="Search by name"
        placeholder="Search by name  ( / )"
        icon
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
      />
    </div>
  )
}
