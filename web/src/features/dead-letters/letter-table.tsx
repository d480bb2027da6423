import { Link } from '@tanstack/react-router'
import { RotateCw, Trash2 } from 'lucide-react'
import { Checkbox } from '../../components/checkbox.tsx'
import { Badge } from '../../components/badge.tsx'
import { Button, IconButton } from '../../components/button.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ActsTd, ActsTh, nameCell, Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import type { DeadLetter } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import type { Selection } from '../../lib/use-selection.ts'
import { visibleText } from '../../lib/visible-text.ts'
import type { FailuresPlace } from '../failures/place.ts'
import { sourceKinds, SourceLink } from '../failures/source-link.tsx'
import { StateIcon } from '../jobs/state-chip.tsx'
import { states } from '../jobs/states.ts'
import { useSeesOnlyOwn } from '../session/session.ts'
import type { LetterAct, Meant } from './act-in-steps.ts'

interface LetterTableProps {
  letters: readonly DeadLetter[]
  /** Missing: the reader may not act. */
  selection?: Selection
  onAct: (act: LetterAct, meant: Meant) => void
  onNarrow: (part: FailuresPlace) => void
}

export function LetterTable({ letters, selection, onAct, onNarrow }: LetterTableProps) {
  const onlyOwn = useSeesOnlyOwn()
  const open = letters.filter(({ state }) => state === 'open')
  return (
    <Table label="Dead letters">
      <TableHead>
        {selection && open.length > 0 && (
          <Th className="w-0 pr-0">
            <Checkbox
              className="block"
              label="Choose all that are listed"
              checked={selection.chosen.size === open.length}
              mixed={selection.chosen.size > 0 && selection.chosen.size < open.length}
              onChange={() =>
                selection.chosen.size === open.length
                  ? selection.clear()
                  : selection.set(open.map(({ job_id }) => job_id))
              }
            />
          </Th>
        )}
        <Th>Job</Th>
        <Th>Of</Th>
        <Th>Error</Th>
        <Th number>Attempts</Th>
        {!onlyOwn && <Th>Owner</Th>}
        <Th>Failed</Th>
        <ActsTh />
      </TableHead>
      <tbody>
        {letters.map((letter) => (
          <Row
            key={letter.job_id}
            letter={letter}
            withOwner={!onlyOwn}
            choosing={open.length > 0}
            {...{ selection, onAct, onNarrow }}
          />
        ))}
      </tbody>
    </Table>
  )
}

interface RowProps extends Omit<LetterTableProps, 'letters'> {
  letter: DeadLetter
  withOwner: boolean
  choosing: boolean
}

function Row({ letter, withOwner, choosing, selection, onAct, onNarrow }: RowProps) {
  const { job_id: id, job_state: state, source, error, exit_code: code } = letter
  const name = visibleText(letter.name)
  const isOpen = letter.state === 'open'
  const text = visibleText(error ?? states[state].meaning)
  return (
    <Tr data-letter={id} selected={selection?.chosen.has(id)}>
      {selection && choosing && (
        <Td className="w-0 pr-0">
          {isOpen && (
            <Checkbox
              className="block"
              label={`Choose ${name}`}
              checked={selection.chosen.has(id)}
              onChange={() => undefined}
              onClick={(click) => selection.toggle(id, click.shiftKey)}
            />
          )}
        </Td>
      )}
      <th scope="row" className="px-2 py-1.5 text-left font-medium sm:px-3">
        <span className="flex items-center gap-2">
          <StateIcon state={state} />
          <Link
            to="/jobs/$id"
            params={{ id }}
            data-letter-link
            dir="auto"
            title={name}
            className={`rounded hover:underline ${nameCell}`}
          >
            {name}
          </Link>
        </span>
        {/* Its column is out of sight there. */}
        <span className="block max-w-48 truncate pl-6 text-xs font-normal text-muted sm:hidden">{sentence(text)}</span>
      </th>
      <Td>
        <span className="flex items-baseline gap-1.5">
          <span className="text-xs text-muted">{source.kind === 'job' ? 'a job' : sourceKinds[source.kind]}</span>
          {/* A job of neither is of itself alone. */}
          {source.kind !== 'job' && <SourceLink source={source} className="max-w-40 truncate" />}
        </span>
      </Td>
      <Td muted className="w-full max-w-0 min-w-56 truncate" title={text}>
        {code !== null && code !== 0 && !text.includes(String(code)) && (
          <span className="mr-1.5 text-xs tabular-nums">exit {code}</span>
        )}
        {letter.group_id === null ? (
          sentence(text)
        ) : (
          <button
            type="button"
            className="rounded hover:text-text hover:underline"
            title={`${text}\n\nShow those that failed alike`}
            onClick={() => onNarrow({ group: letter.group_id! })}
          >
            {sentence(text)}
          </button>
        )}
      </Td>
      <Td number muted>
        {letter.attempts}
      </Td>
      {withOwner && (
        <Td>
          <button
            type="button"
            title={`Only those of ${letter.owner}`}
            className="max-w-32 truncate rounded hover:underline"
            onClick={() => onNarrow({ owner: letter.owner })}
          >
            {letter.owner}
          </button>
        </Td>
      )}
      <Td muted>
        <RelativeTime at={letter.at} />
      </Td>
      <ActsTd>
        {isOpen && selection && (
          <>
            <Button
              size="small"
              title="Redrive"
              aria-label={`Redrive ${name}`}
              onClick={() => onAct('redrive', { jobs: [id] })}
            >
              <RotateCw aria-hidden className="size-3.5" /> <span className="max-sm:hidden">Redrive</span>
            </Button>
            <IconButton small label={`Dismiss ${name}`} onClick={() => onAct('dismiss', { jobs: [id] })}>
              <Trash2 aria-hidden className="size-3.5" />
            </IconButton>
          </>
        )}
        {!isOpen && <Settled letter={letter} />}
      </ActsTd>
    </Tr>
  )
}

function Settled({ letter }: { letter: DeadLetter }) {
  const { state, redriven_as: as, acted_by: by } = letter
  return (
    <span className="flex items-center gap-2 px-1 text-sm text-muted">
      <Badge tone={state === 'redriven' ? 'accent' : 'plain'} title={by === null ? undefined : `By ${by}`}>
        {state === 'redriven' ? 'Redriven' : 'Dismissed'}
      </Badge>
      {as !== null && (
        <Link
          to={
            letter.event_run_id !== null
              ? '/event-runs/$id'
              : letter.pipeline_run_id !== null
                ? '/runs/$id'
                : '/jobs/$id'
          }
          params={{ id: as }}
          className="rounded font-mono text-xs text-accent underline underline-offset-2"
        >
          <span className="sr-only">Redriven as </span>
          {as}
        </Link>
      )}
    </span>
  )
}
