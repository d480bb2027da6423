import type { ReactNode } from 'react'
import { cn } from '../lib/cn.ts'

export type BadgeTone = 'plain' | 'accent' | 'good' | 'warn' | 'bad'

const tones: Record<BadgeTone, string> = {
  plain: 'bg-waiting-soft text-waiting',
  accent: 'bg-accent-soft text-accent',
  good: 'bg-passed-soft text-passed',
  warn: 'bg-running-soft text-running',
  bad: 'bg-failed-soft text-failed',
}

/** A word or two that qualify something. */
export function Badge({ tone = 'plain', title, children }: { tone?: BadgeTone; title?: string; children: ReactNode }) {
  return (
    <span
      title={title}
      className={cn(
        'inline-flex h-5 max-w-full items-center gap-1 rounded-full px-2 text-xs font-medium whitespace-nowrap',
        tones[tone],
      )}
    >
      {children}
    </span>
  )
}
