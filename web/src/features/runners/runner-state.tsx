import { CircleCheck, CircleMinus, CircleX } from 'lucide-react'
import type { Runner } from '../../lib/api.ts'
import { cn } from '../../lib/cn.ts'

const looks = {
  online: { Icon: CircleCheck, colour: 'text-passed', label: 'Online' },
  draining: { Icon: CircleMinus, colour: 'text-running', label: 'Draining' },
  offline: { Icon: CircleX, colour: 'text-failed', label: 'Offline' },
}

export function RunnerState({ state, word }: { state: Runner['state']; word?: boolean }) {
  const { Icon, colour, label } = looks[state]
  return (
    <span className={cn('inline-flex items-center gap-1.5 text-sm font-medium', colour)}>
      <Icon role="img" aria-label={word ? undefined : label} aria-hidden={word} className="size-4 shrink-0" />
      {word && label}
    </span>
  )
}
