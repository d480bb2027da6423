import {
  Bell,
  CircleCheck,
  CircleDot,
  CircleX,
  Eye,
  MessageSquareText,
  RotateCcw,
  TriangleAlert,
  type LucideIcon,
} from 'lucide-react'
import { Link } from '@tanstack/react-router'
import { RelativeTime } from '../../components/relative-time.tsx'
import { cn } from '../../lib/cn.ts'
import { sentence } from '../../lib/sentence.ts'
import { exactTime } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'

type Kind = 'opened' | 'failure' | 'notified' | 'acknowledged' | 'note' | 'recovered' | 'closed' | 'reopened'

interface Entry {
  at: string
  kind: Kind
  text: string
  job_id: string | null
}

const looks: Record<Kind, { Icon: LucideIcon; colour: string; word: string }> = {
  opened: { Icon: TriangleAlert, colour: 'text-failed', word: 'Opened' },
  failure: { Icon: CircleX, colour: 'text-failed', word: 'Failure' },
  notified: { Icon: Bell, colour: 'text-muted', word: 'Told' },
  acknowledged: { Icon: Eye, colour: 'text-running', word: 'Looked into' },
  note: { Icon: MessageSquareText, colour: 'text-accent', word: 'Note' },
  recovered: { Icon: CircleDot, colour: 'text-passed', word: 'Success' },
  closed: { Icon: CircleCheck, colour: 'text-passed', word: 'Closed' },
  reopened: { Icon: RotateCcw, colour: 'text-failed', word: 'Opened again' },
}

/** Their texts begin with a name, which stays as it is written. */
const byPerson: readonly Kind[] = ['acknowledged', 'note']

/** What happened, oldest first. */
export function Timeline({ entries }: { entries: readonly Entry[] }) {
  return (
    <ol aria-label="Timeline" className="flex flex-col">
      {entries.map((entry, index) => {
        const { Icon, colour, word } = looks[entry.kind]
        return (
          <li key={index} className="relative flex gap-3 pb-4 last:pb-0">
            {index < entries.length - 1 && <span aria-hidden className="absolute top-6 bottom-0 left-2 w-px bg-line" />}
            <Icon aria-hidden className={cn('mt-0.5 size-4 shrink-0 bg-surface', colour)} />
            <div className="min-w-0 flex-1">
              <p className="flex flex-wrap items-baseline justify-between gap-x-3 text-xs text-muted">
                <span className="font-semibold">{word}</span>
                <span title={exactTime(entry.at)} className="tabular-nums">
                  <RelativeTime at={entry.at} />
                </span>
              </p>
              <p className="text-sm wrap-anywhere whitespace-pre-wrap">
                {byPerson.includes(entry.kind) ? visibleText(entry.text) : sentence(visibleText(entry.text))}
                {entry.job_id !== null && (
                  <>
                    {' '}
                    <Link
                      to="/jobs/$id"
                      params={{ id: entry.job_id }}
                      className="rounded whitespace-nowrap text-accent underline underline-offset-2"
                    >
                      Job {entry.job_id}
                    </Link>
                  </>
                )}
              </p>
            </div>
          </li>
        )
      })}
    </ol>
  )
}
