import { Hash, Mail, MessagesSquare, Webhook, type LucideIcon } from 'lucide-react'
import { kinds, type Kind } from './channel-form.ts'

const icons: Record<Kind, LucideIcon> = { slack: Hash, discord: MessagesSquare, webhook: Webhook, email: Mail }

export function KindIcon({ kind }: { kind: Kind }) {
  const Icon = icons[kind]
  return (
    <span className="flex items-center gap-2">
      <Icon aria-hidden className="size-4 text-muted" />
      {kinds[kind].label}
    </span>
  )
}
