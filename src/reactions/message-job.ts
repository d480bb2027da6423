/** The job that sends a message. */
import { sealJobEnv } from '../access/job-env.ts'
import type { Sealer } from '../access/secrets.ts'
import { newPublicId } from '../lib/ids.ts'
import { messageQueue, settingsVariable, type ChannelSettings, type Message } from '../job/message.ts'
import { nameOf } from '../job/spec.ts'
import type { NewJob } from '../queue/types.ts'

/** Six tries at 0 s, 20 s, 80 s, 4 min, 13 min and 30 min: an hour's outage is for `redeliver`. `refused` is for good. */
const tries = {
  max_attempts: 6,
  retry: {
    backoff_seconds: 20,
    factor: 3,
    max_backoff_seconds: 1000,
    jitter: 0.1,
    on: ['exit', 'timeout', 'lost', 'infrastructure'],
  },
} as const

/** Two requests of 15 s, a minute's patience between them, and room for a slow name server. */
const timeoutSeconds = 120

export interface MessageJobInput {
  message: Message
  settings: ChannelSettings
  sealer: Sealer
  /** Not before then. */
  heldUntil?: Date | undefined
}

export function messageJob({ message, settings, sealer, heldUntil }: MessageJobInput): NewJob {
  const publicId = newPublicId()
  const secret_env = { [settingsVariable]: JSON.stringify(settings) }
  const command = ['message', message.channel]
  return {
    publicId,
    spec: {
      name: nameOf({ name: `${message.channel}: ${message.subject}`, command }),
      command,
      queue: messageQueue,
      priority: 10,
      max_attempts: tries.max_attempts,
      retry: { ...tries.retry, on: [...tries.retry.on] },
      timeout_seconds: timeoutSeconds,
      stop_grace_seconds: 0,
      executor: 'message',
      isolation: 'full',
      network: 'host',
      message,
      ...(heldUntil === undefined ? {} : { not_before: heldUntil.toISOString() }),
    },
    envSealed: sealJobEnv({ env: {}, secret_env }, publicId, sealer),
    laneCpuMillis: 0,
    laneMemoryMib: 0,
  }
}
