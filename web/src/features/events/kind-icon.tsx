import { Braces, FileCode, Globe, MessageSquare, SquareTerminal, Workflow, type LucideIcon } from 'lucide-react'
import type { EventKind } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'
import { kindLabels } from './words.ts'

const icons: Record<EventKind, LucideIcon> = {
  bash: SquareTerminal,
  python: FileCode,
  node: Braces,
  http: Globe,
  message: MessageSquare,
  pipeline: Workflow,
}

export function KindIcon({ kind, className }: { kind: EventKind; className?: string }) {
  const Icon = icons[kind]
  return (
    <span title={kindLabels[kind]} className={cn('flex shrink-0 text-muted', className)}>
      <Icon role="img" aria-label={kindLabels[kind]} className="size-4" />
    </span>
  )
}
