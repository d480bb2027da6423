/** What a sender gets and what it answers; one for each kind of channel. */
import type { ChannelSettings, Message } from '../../job/message.ts'

export interface Sending<Settings extends ChannelSettings = ChannelSettings> {
  message: Message
  settings: Settings
  /** Aborted: nobody waits for the answer any more. */
  signal: AbortSignal
  /** A line of the attempt's log. Secrets in it are masked. */
  say(line: string): void
}

/** `refused`: it will not be taken later either. `failed`: another try may help. */
export interface Answer {
  result: 'sent' | 'refused' | 'failed'
  /** What the receiver said, for people. */
  text: string
  /** Of a receiver that asked for patience. */
  retryAfterMs?: number
}

/** Rejects only when it was aborted. */
export type Send<Kind extends ChannelSettings['kind']> = (
  sending: Sending<Extract<ChannelSettings, { kind: Kind }>>,
) => Promise<Answer>

/** One line that cannot move a cursor or begin another header. */
export const oneLine = (text: string, most: number): string => cut(text.replaceAll(/[\s\p{C}]+/gu, ' ').trim(), most)

/** In UTF-16 units, never half a character. */
export const cut = (text: string, most: number): string =>
  text.length <= most
    ? text
    : `${text
        .slice(0, most - 1)
        .toWellFormed()
        .replace(/\ufffd$/, '')}…`
