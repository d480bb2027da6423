import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode, RefObject } from 'react'
import { FilterChips } from '../../components/filter-chips.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { visibleText } from '../../lib/visible-text.ts'
import type { FailuresPlace } from './place.ts'

const names = {
  group: 'Group',
  event: 'Event',
  queue: 'Queue',
  owner: 'Owner',
  q: 'Text',
  unknown: 'Not a filter',
} as const
export type FilterName = keyof typeof names

export function useFailuresPlace() {
  const place = useSearch({ from: '/_app/failures' })
  const navigate = useNavigate({ from: '/failures' })
  return {
    place,
    change: (part: FailuresPlace) =>
      void navigate({ search: (old) => ({ ...old, ...part }), replace: 'q' in part, resetScroll: false }),
    clear: () => void navigate({ search: ({ view }) => ({ view }) }),
  }
}

interface FilterBarProps {
  label: string
  placeholder: string
  /** Filters that the view has, as chips when they are in use. */
  known: readonly FilterName[]
  searchRef?: RefObject<HTMLInputElement | null>
  children?: ReactNode
}

/** Search, what a view adds to it, and what the list is narrowed to. */
export function FilterBar({ label, placeholder, known, searchRef, children }: FilterBarProps) {
  const { place, change, clear } = useFailuresPlace()
  const chips = [...known, 'unknown' as const].flatMap((key) => {
    const value = place[key]
    return value === undefined
      ? []
      : [{ key, name: names[key], value: visibleText(value), onRemove: () => change({ [key]: undefined }) }]
  })
  return (
    <div role="search" aria-label={label} className="mb-3 flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-2">
        <SearchBox
          label={placeholder}
          placeholder={placeholder}
          value={place.q ?? ''}
          onSearch={(text) => change({ q: text || undefined })}
          inputRef={searchRef}
        />
        {children}
      </div>
      <FilterChips chips={chips} onClear={clear} />
    </div>
  )
}
