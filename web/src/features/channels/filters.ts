import type { Delivery } from '../../lib/api.ts'

export type DeliveryState = Delivery['state']

/** What a reader asks for, in the words of the URL. */
export const outcomes = {
  waiting: { label: 'On their way', states: ['blocked', 'scheduled', 'queued', 'leased', 'running', 'unknown'] },
  sent: { label: 'Sent', states: ['succeeded'] },
  dead: { label: 'Given up', states: ['failed', 'timed_out', 'lost', 'cancelled', 'skipped', 'not_sent'] },
} as const satisfies Record<string, { label: string; states: readonly DeliveryState[] }>
export type OutcomeWord = keyof typeof outcomes

export const channelViews = ['channels', 'deliveries', 'templates', 'tools'] as const
export type ChannelView = (typeof channelViews)[number]

export interface ChannelSearch {
  view?: Exclude<ChannelView, 'channels'>
  channel?: string
  outcome?: OutcomeWord
}

/** From the URL, where anyone may have typed anything. */
export function readChannelSearch(search: Record<string, unknown>): ChannelSearch {
  const { view, channel, outcome } = search
  return {
    view: view === 'deliveries' || view === 'templates' || view === 'tools' ? view : undefined,
    channel: typeof channel === 'string' && channel !== '' ? channel.slice(0, 63) : undefined,
    outcome: typeof outcome === 'string' && Object.hasOwn(outcomes, outcome) ? (outcome as OutcomeWord) : undefined,
  }
}

/** Given up, or never begun: only these can be sent again. */
export const isOver = (state: DeliveryState): boolean =>
  !(outcomes.waiting.states as readonly DeliveryState[]).includes(state)
