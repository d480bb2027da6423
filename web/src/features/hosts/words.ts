import type { BadgeTone } from '../../components/badge.tsx'
import type { Host } from '../../lib/api.ts'

export type HostState = Host['state']
export type Breaker = Host['runners'][number]['breaker']

export const stateWords: Record<HostState, { label: string; tone: BadgeTone; meaning: string }> = {
  ready: { label: 'Ready', tone: 'good', meaning: 'Its key is confirmed: jobs may run there' },
  unconfirmed: { label: 'Unconfirmed', tone: 'warn', meaning: 'No job gets there until its key is confirmed' },
  key_changed: {
    label: 'Key changed',
    tone: 'bad',
    meaning: 'It showed another key than the confirmed one: no job gets there',
  },
  disabled: { label: 'Disabled', tone: 'plain', meaning: 'No job gets there' },
}
export const hostStates = Object.keys(stateWords) as HostState[]

export const breakerWords: Record<Breaker, { label: string; tone: BadgeTone; meaning: string }> = {
  closed: { label: 'Working', tone: 'good', meaning: 'Circuit breaker closed: connections go through' },
  open: {
    label: 'Given up',
    tone: 'bad',
    meaning: 'Circuit breaker open: it failed again and again, nothing is tried for a while',
  },
  half_open: { label: 'Trying', tone: 'warn', meaning: 'Circuit breaker half-open: one connection is tried' },
}

/** The worst of all runners is what a list shows. */
const worst: readonly Breaker[] = ['open', 'half_open', 'closed']
export const breakerOf = (host: Pick<Host, 'runners'>): Breaker | null =>
  worst.find((breaker) => host.runners.some((runner) => runner.breaker === breaker)) ?? null

export const authLabels = { key: 'Private key', password: 'Password', agent: 'Agent at the runner' } as const
export type AuthMethod = keyof typeof authLabels
