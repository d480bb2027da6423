import { Search } from 'lucide-react'
import { useEffect, useRef, useState, type RefObject } from 'react'
import { Input } from './field.tsx'

interface SearchBoxProps {
  label: string
  placeholder?: string
  value: string
  onSearch: (text: string) => void
  inputRef?: RefObject<HTMLInputElement | null>
  className?: string
}

/** Searches while one types, a moment after the last key. */
export function SearchBox({ label, placeholder, value, onSearch, inputRef, className }: SearchBoxProps) {
  const [text, setText] = useState(value)
  const search = useRef(onSearch)
  search.current = onSearch
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
    <div className={className ?? 'relative min-w-0 basis-full sm:max-w-sm sm:flex-1 sm:basis-48'}>
      <Search aria-hidden className="absolute top-2 left-2.5 size-4 text-muted" />
      <Input
        ref={inputRef}
        type="search"
        aria-label={label}
        placeholder={placeholder ?? label}
        icon
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
      />
    </div>
  )
}
