/**
 * The message executor: sends one message to one channel, in the runner's own process. It runs no user code, so it needs
 * no launcher, no cgroup and no slot's user. Nothing of it survives the runner: one that is killed while it sends is lost
 * and sent again, with the same delivery id.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { settingsVariable, type ChannelSettings, type Message } from '../job/message.ts'
import { compileSecrets, createRedactor, type Matcher } from '../logs/redactor.ts'
import {
  StartRefused,
  type AttemptOrder,
  type Ended,
  type Executor,
  type RunningAttempt,
  type StopReason,
} from './executor.ts'
import { sendDiscord } from './message/discord.ts'
import { sendEmail } from './message/email.ts'
import { secretsOf } from './message/secrets.ts'
import type { Answer, Sending } from './message/sending.ts'
import { sendSlack } from './message/slack.ts'
import { sendWebhook } from './message/webhook.ts'
import { collectOutput } from './output/collect.ts'
import { createMemoryLog } from './output/memory-log.ts'

export interface MessageExecutor {
  kind: 'message'
  start: Executor['start']
}

/** A receiver's `Retry-After` of more is left to the job's own retries. */
const mostPatienceMs = 60_000
/** As the mail systems of old end (sysexits.h): for those who go by numbers. */
const exitCodes = { sent: 0, refused: 69, failed: 75 } as const

export function createMessageExecutor(): MessageExecutor {
  return { kind: 'message', start: async (order) => begin(order) }
}

function begin(order: AttemptOrder): RunningAttempt {
  const { message, settings } = contentOf(order)
  const secrets = compileSecrets(secretsOf(settings))
  const log = createMemoryLog()
  const output = collectOutput({ sink: log, secrets: secretsOf(settings), limitBytes: order.limits.output_bytes })
  const stopped = new AbortController()
  const startedAt = new Date()
  let reason: StopReason | undefined

  const say = (line: string): void => void output.take('stdout', Buffer.from(`${line}\n`))
  const live = async (): Promise<Ended> => {
    const answer = await deliver({ message, settings, signal: stopped.signal, say }).catch((error: unknown) => {
      if (reason !== undefined) return undefined
      return { result: 'failed', text: String(error) } satisfies Answer
    })
    clearTimeout(wallTime)
    void output.finish()
    log.end()
    return {
      ...nothingUsed,
      exitCode: answer === undefined ? null : exitCodes[answer.result],
      signal: answer === undefined ? 'SIGTERM' : null,
      ...(reason === undefined || answer !== undefined ? {} : { reason }),
      ...(answer === undefined ? {} : { said: saidOf(answer, secrets) }),
      startedAt,
      endedAt: new Date(),
    }
  }
  const stop = async (why: StopReason): Promise<void> => {
    reason ??= why
    stopped.abort()
    await ended
  }
  const wallTime = setTimeout(() => void stop('timeout'), order.timeoutMs)
  wallTime.unref()
  const ended = live()

  return {
    key: order.key,
    note: order.note,
    log,
    unenforced: [],
    startedAt,
    ended,
    stop,
    usage: async () => ({}),
    release: () => stop('lease_lost'),
  }
}

const nothingUsed = { oomKills: 0, oomKilled: false, usage: {}, remaining: 0, unenforced: [] }

/** Rejects when it was stopped. */
async function deliver(sending: Sending): Promise<Answer> {
  const answer = await sendOnce(sending)
  const { retryAfterMs } = answer
  if (answer.result !== 'failed' || retryAfterMs === undefined || retryAfterMs > mostPatienceMs) return answer
  sending.say(`waits ${Math.ceil(retryAfterMs / 1000)} s, as it was asked to`)
  await sleep(retryAfterMs, undefined, { signal: sending.signal })
  return sendOnce(sending)
}

function sendOnce({ settings, ...rest }: Sending): Promise<Answer> {
  switch (settings.kind) {
    case 'slack':
      return sendSlack({ settings, ...rest })
    case 'discord':
      return sendDiscord({ settings, ...rest })
    case 'webhook':
      return sendWebhook({ settings, ...rest })
    case 'email':
      return sendEmail({ settings, ...rest })
  }
}

function contentOf({ spec, secretEnv }: AttemptOrder): { message: Message; settings: ChannelSettings } {
  const settings = secretEnv[settingsVariable]
  if (spec.message === undefined || settings === undefined) {
    throw new StartRefused('start', 'it has no message, or not the settings of its channel')
  }
  return { message: spec.message, settings: JSON.parse(settings) as ChannelSettings }
}

/** A receiver may say back what it was called by. */
function saidOf({ result, text }: Answer, secrets: Matcher): NonNullable<Ended['said']> {
  const redactor = createRedactor(secrets)
  const masked = Buffer.concat([redactor.push(Buffer.from(text)), redactor.flush()]).toString()
  if (result === 'sent') return { message: `sent: ${masked}` }
  return result === 'refused'
    ? { message: `refused for good: ${masked}`, errorClass: 'refused' }
    : { message: `not sent: ${masked}`, errorClass: 'exit' }
}
