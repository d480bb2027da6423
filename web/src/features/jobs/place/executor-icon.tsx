import { Box, Container, Cpu, Globe, Mail, PcCase, ShipWheel, type LucideIcon } from 'lucide-react'
import { cn } from '../../../lib/cn.ts'
import { executorWords } from './executors.ts'

const icons: Record<string, LucideIcon> = {
  sandbox: Box,
  container: Container,
  ssh: PcCase,
  slurm: Cpu,
  kubernetes: ShipWheel,
  http: Globe,
  message: Mail,
}

/** By what it runs. `plain`: a word beside it says so. */
export function ExecutorIcon({
  executor,
  plain,
  className,
}: {
  executor: string
  plain?: boolean
  className?: string
}) {
  const Icon = icons[executor] ?? Box
  const { label, meaning } = executorWords(executor)
  if (plain) return <Icon aria-hidden className={cn('size-4 shrink-0', className)} />
  return (
    <span title={`${label}: ${meaning}`} className={cn('flex shrink-0 text-muted', className)}>
      <Icon role="img" aria-label={label} className="size-4" />
    </span>
  )
}
