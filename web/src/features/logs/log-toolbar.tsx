import { ArrowDownToLine, ArrowUp, ArrowDown, Clock, Download, Search, WrapText } from 'lucide-react'
import type { RefObject } from 'react'
import { buttonLook, IconButton, Toggle } from '../../components/button.tsx'
import { Input, Select } from '../../components/field.tsx'
import type { Attempt } from '../../lib/api.ts'
import type { LogPlace } from './log-place.ts'

interface LogToolbarProps {
  place: LogPlace
  onPlace: (change: LogPlace) => void
  attempts: Attempt[]
  downloadHref: string
  wrap: boolean
  onWrap: (wrap: boolean) => void
  times: boolean
  onTimes: (times: boolean) => void
  following: boolean
  onFollow: (follow: boolean) => void
  search: LogSearchControl
  searchRef: RefObject<HTMLInputElement | null>
}

export interface LogSearchControl {
  text: string
  onText: (text: string) => void
  /** `3 of 17`, empty when nothing is sought. */
  status: string
  onStep: (step: 1 | -1) => void
}

const streams = [
  [undefined, 'Both'],
  ['stdout', 'stdout'],
  ['stderr', 'stderr'],
] as const

export function LogToolbar(props: LogToolbarProps) {
  const { place, onPlace, attempts } = props
  // Beside a choice of attempts there is no room for words.
  const word = attempts.length > 1 ? 'max-2xl:sr-only' : 'max-sm:sr-only'
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line bg-surface px-2 py-1.5">
      <div role="group" aria-label="Stream" className="flex rounded-md border border-line p-px">
        {streams.map(([stream, label]) => (
          <Toggle key={label} pressed={place.stream === stream} onClick={() => onPlace({ stream, line: undefined })}>
            {label}
          </Toggle>
        ))}
      </div>
      {attempts.length > 1 && (
        <Select
          aria-label="Attempt"
          small
          wide={false}
          value={place.attempt ?? ''}
          onChange={(event) => onPlace({ attempt: Number(event.target.value) || undefined, line: undefined })}
        >
          <option value="">Newest attempt</option>
          {attempts.map(({ number }) => (
            <option key={number} value={number}>
              Attempt {number}
            </option>
          ))}
        </Select>
      )}
      <SearchBox {...props.search} inputRef={props.searchRef} />
      <div className="ml-auto flex items-center gap-0.5">
        <Toggle pressed={props.wrap} onClick={() => props.onWrap(!props.wrap)} title="Wrap long lines (w)">
          <WrapText aria-hidden className="size-4" /> <span className={word}>Wrap</span>
        </Toggle>
        <Toggle pressed={props.times} onClick={() => props.onTimes(!props.times)} title="Time of each line">
          <Clock aria-hidden className="size-4" /> <span className={word}>Times</span>
        </Toggle>
        <Toggle pressed={props.following} onClick={() => props.onFollow(!props.following)} title="Stay at the end (f)">
          <ArrowDownToLine aria-hidden className="size-4" /> <span className={word}>Follow</span>
        </Toggle>
        <a
          href={props.downloadHref}
          download
          className={buttonLook('quiet', 'small')}
          title="The whole log, byte for byte"
        >
          <Download aria-hidden className="size-4" /> <span className={word}>Download</span>
        </a>
      </div>
    </div>
  )
}

function SearchBox({
  text,
  onText,
  status,
  onStep,
  inputRef,
}: LogSearchControl & { inputRef: RefObject<HTMLInputElement | null> }) {
  return (
    <div className="flex min-w-0 basis-full items-center gap-1 sm:max-w-md sm:flex-1 sm:basis-40 max-sm:order-last">
      <div className="relative min-w-0 flex-1">
        <Search aria-hidden className="absolute top-1.5 left-2.5 size-4 text-muted" />
        <Input
          ref={inputRef}
          type="search"
          aria-label="Search in the log"
          placeholder="Search in the log  ( / )"
          small
          icon
          value={text}
          onChange={(event) => onText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') onStep(event.shiftKey ? -1 : 1)
            if (event.key === 'Escape') event.currentTarget.blur()
          }}
        />
      </div>
      <span role="status" className="min-w-0 text-xs whitespace-nowrap text-muted tabular-nums">
        {status}
      </span>
      {status !== '' && (
        <>
          <IconButton label="Match before" small onClick={() => onStep(-1)}>
            <ArrowUp aria-hidden className="size-4" />
          </IconButton>
          <IconButton label="Next match" small onClick={() => onStep(1)}>
            <ArrowDown aria-hidden className="size-4" />
          </IconButton>
        </>
      )}
    </div>
  )
}
