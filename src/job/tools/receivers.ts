/** Whom a mail may go to beside those that its channel names. */
import type { FieldProblem } from '../../lib/app-error.ts'
import type { ChannelSettings } from '../message.ts'
import type { EmailInput } from './email.ts'

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()

/** Whoever may submit may name a channel; that it sends anywhere in the name of `from` is its administrator's decision. */
export function receiverProblems(
  settings: Extract<ChannelSettings, { kind: 'email' }>,
  { to, cc, bcc }: Pick<EmailInput, 'to' | 'cc' | 'bcc'>,
): FieldProblem[] {
  if (settings.receivers === 'any') return []
  const domains = new Set([settings.from, ...settings.to].map(domainOf))
  return Object.entries({ to, cc, bcc }).flatMap(([field, list = []]) =>
    list
      .filter((address) => !settings.to.includes(address) && !domains.has(domainOf(address)))
      .map((address) => ({
        field,
        message: `${address}: the channel sends to its own domains only; an administrator allows more: --receivers any`,
      })),
  )
}
