/** What a job of the message executor tells, and where to; names of fields are the wire's. */

export const channelKinds = ['slack', 'discord', 'webhook', 'email'] as const
export type ChannelKind = (typeof channelKinds)[number]

/** Where a channel's messages go. All of it is sealed in the database and reaches a runner as a secret of the job. */
export type ChannelSettings =
  | { kind: 'slack'; url: string }
  | { kind: 'discord'; url: string }
  | {
      kind: 'webhook'
      url: string
      /** `whsec_` and base64 (Standard Webhooks). */
      secret: string
      headers?: Record<string, string> | undefined
    }
  | {
      kind: 'email'
      smtp_url: string
      from: string
      to: string[]
      /** Whom a message may name in place of `to`; `own_domains` when missing. */
      receivers?: 'own_domains' | 'any' | undefined
    }

/** Name of the one secret variable of a message job: `ChannelSettings` as JSON. */
export const settingsVariable = 'CHANNEL_SETTINGS'

/** The queue of all message jobs and of no other; made by migration 010. */
export const messageQueue = 'messages'
/**
 * Messages that a runner sends at a time, beside the jobs in its slots: they are waits for somebody else's server, and
 * while they took slots twenty batches with a dead webhook held up a runner's work for six minutes.
 */
export const messagesAtOnce = 8
/** Of one channel, so that one that hangs leaves room for the others. */
export const messagesAtOncePerChannel = 2

/** In `spec.message` of a job; nothing secret. */
export interface Message {
  /** Name of the channel. */
  channel: string
  /** What it tells of, e.g. `batch:x1y2…`. */
  about: string
  /** The same at every try and every redelivery: receivers know a repeated message by it. */
  delivery_id: string
  /** One line. */
  subject: string
  text: string
  /** Of the page in the dashboard, when the installation has a public address. */
  link?: string
  /** How it looks where there is colour. */
  tone: 'passed' | 'failed' | 'neutral'
  /** e.g. `batch.ended`; with `at` and `data` the body of a webhook. */
  type: string
  /** ISO 8601; when it happened, not when it is sent. */
  at: string
  data: Record<string, unknown>
  /** An action of the channel's tool (`tools/`) with its input, checked and filled in; subject and text are for lists. */
  tool?: { action: string; input: Record<string, unknown> }
}

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof weekdays)[number]

/** From `from` to `to` on the clocks of `time_zone`, over midnight when `to` is not after `from`. */
export interface QuietWindow {
  /** On which it begins. */
  days: Weekday[]
  /** `HH:MM`. */
  from: string
  to: string
  time_zone: string
  /** What becomes of a message inside. */
  action: 'hold' | 'drop'
}
