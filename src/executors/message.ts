/**
 * The message executor: sends one message to one channel, in the runner's own process. It runs no user code, so it needs
 * no launcher, no cgroup and no slot's user. Nothing of it survives the runner: one that is killed while it sends is lost
 * and sent again, with the same delivery id.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { settingsVariable, type ChannelSettings, type Message } from '../job/message.ts'
import { StartRefused, type AttemptOrder, type Executor, type RunningAttempt } from './executor.ts'
import { runInProcess, type Done } from './in-process.ts'
import { sendDiscord } from './message/discord.ts'
import { sendEmail } from './message/email.ts'
import { secretsOf } from './message/secrets.ts'
import type { Answer, Sending } from './message/sending.ts'
import { sendSlack } from './message/slack.ts'
import { sendWebhook } from './message/webhook.ts'

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
  return runInProcess(order, secretsOf(settings), async ({ signal, print }) => {
    const say = (line: string): void => print('stdout', `${line}\n`)
    const answer = await deliver({ message, settings, signal, say }).catch((error: unknown): Answer => {
      if (signal.aborted) throw error
      return { result: 'failed', text: String(error) }
    })
    return { exitCode: exitCodes[answer.result], said: saidOf(answer) }
  })
}

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

function saidOf({ result, text }: Answer): Done['said'] {
  if (result === 'sent') return { message: `sent: ${text}` }
  return result === 'refused'
    ? { message: `refused for good: ${text}`, errorClass: 'refused' }
    : { message: `not sent: ${text}`, errorClass: 'exit' }
}
