/** WebSocket `/api/v1/ws`: job changes and live logs, by subscription; the protocol is in `contract/live.ts`. */
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { WebSocket } from 'ws'
import type * as z from 'zod'
import { AppError, isAppError } from '../../lib/app-error.ts'
import { emitFact } from '../../lib/facts.ts'
import type { Ask } from '../../operations/deps.ts'
import type { Operations } from '../../operations/index.ts'
import { apiPrefix } from '../contract/base.ts'
import { clientMessage, type ServerMessage } from '../contract/live.ts'
import { fieldsRefused, HttpRefusal, toAppError } from '../errors.ts'
import { problemsOf } from '../../lib/issue-fields.ts'
import type { ZodIssue } from '../../lib/issue-words.ts'
import { askOf } from './contract-routes.ts'
import { credentialsOf, type Authenticate } from './http-access.ts'
import { watchBatches } from './batch-subscriptions.ts'
import { createOutbox } from './outbox.ts'
import { watchPipelineRun, watchPipelineRuns } from './pipeline-subscriptions.ts'
import { closeAll, closeWithoutRights, recheckMs } from './socket-rights.ts'
import { watchJobs, watchLog, type Subscription } from './subscriptions.ts'

const mostSubscriptions = 64
export function installLive(
  app: FastifyInstance,
  options: { operations: Operations; authenticate: Authenticate; recheckMs?: number },
): void {
  const sockets = new Set<WebSocket>()
  void app.register(async (scope) => {
    scope.get(
      `${apiPrefix}/ws`,
      { websocket: true, preValidation: async (request) => mustUpgrade(request.headers.upgrade) },
      (socket, request) => {
        sockets.add(socket)
        emitFact({ name: 'live.opened', level: 'debug' })
        const credentials = credentialsOf(request)
        const ask = askOf(request)
        const { authenticate } = options
        const session = openSession(socket, request.raw.socket, ask, options.operations)
        closeWithoutRights(socket, ask.principal, {
          authenticate,
          credentials,
          everyMs: options.recheckMs ?? recheckMs,
        })
        socket.on('close', () => {
          sockets.delete(socket)
          emitFact({ name: 'live.closed', level: 'debug' })
          session.end()
        })
      },
    )
  })
  app.addHook('preClose', async () => {
    await closeAll(sockets)
  })
}

export function mustUpgrade(upgrade: string | undefined): void {
  if (upgrade?.toLowerCase() === 'websocket') return
  throw new HttpRefusal(426, 'invalid_argument', 'this address takes WebSocket connections only')
}

function openSession(socket: WebSocket, connection: Duplex, ask: Ask, operations: Operations) {
  const outbox = createOutbox(socket, connection)
  const subscriptions = new Map<string, Subscription>()
  const send = (message: ServerMessage): Promise<boolean> => outbox.send(JSON.stringify(message))
  const fail = (sub: string | null, error: unknown): void => {
    const known = toAppError(error)
    if (!isAppError(error)) emitFact({ name: 'live.failed', level: 'error', error: String((error as Error)?.stack) })
    void send({ type: 'error', sub, code: known.code, message: known.message })
  }

  socket.on('error', () => socket.terminate())
  socket.on('message', (data, binary) => {
    let message: z.output<typeof clientMessage>
    try {
      message = parse(data, binary)
    } catch (error) {
      return fail(null, error)
    }
    if (message.type === 'unsubscribe') {
      subscriptions.get(message.id)?.end()
      subscriptions.delete(message.id)
      return undefined
    }
    const { id } = message
    if (subscriptions.has(id)) {
      return fail(id, new AppError('conflict', 'there is a subscription with this id'))
    }
    if (subscriptions.size >= mostSubscriptions) {
      return fail(id, new AppError('resource_exhausted', `at most ${mostSubscriptions} subscriptions`))
    }
    const start = topics[message.topic]
    const subscription = start({ message: message as never, ask, operations, outbox, send })
    subscriptions.set(id, subscription)
    subscription.done
      .catch((error: unknown) => fail(id, error))
      .finally(() => {
        if (subscriptions.get(id) === subscription) subscriptions.delete(id)
      })
    return undefined
  })

  return {
    end() {
      for (const subscription of subscriptions.values()) subscription.end()
      subscriptions.clear()
    },
  }
}

const topics = {
  ...{ jobs: watchJobs, job: watchJobs, batches: watchBatches, batch: watchBatches, log: watchLog },
  ...{ pipeline_runs: watchPipelineRuns, pipeline_run: watchPipelineRun },
}

const see = 'see docs/websocket.md'

function parse(data: unknown, binary: boolean): z.output<typeof clientMessage> {
  let value: unknown
  try {
    if (!binary) value = JSON.parse(String(data))
  } catch {
    value = undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('invalid_argument', `a message is one JSON object, sent as text; ${see}`)
  }
  const parsed = clientMessage.safeParse(value)
  if (parsed.success) return parsed.data
  const { code, message, fields } = fieldsRefused(problemsOf(parsed.error.issues as ZodIssue[]))
  throw new AppError(code, `${message}; ${see}`, { fields })
}
