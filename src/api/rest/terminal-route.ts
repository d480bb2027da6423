/** WebSocket `/api/v1/hosts/{name}/terminal`; what it carries is in `contract/hosts.ts`. */
import type { FastifyInstance } from 'fastify'
import type { RawData, WebSocket } from 'ws'
import { hostName } from '../../job/host.ts'
import type { Ask } from '../../operations/deps.ts'
import { notFound } from '../../operations/deps.ts'
import type { Operations } from '../../operations/index.ts'
import { apiPrefix } from '../contract/base.ts'
import { terminalClientMessage, terminalSize, type TerminalServerMessage } from '../contract/hosts.ts'
import { fieldsRefused, toAppError } from '../errors.ts'
import { problemsOf } from '../../lib/issue-fields.ts'
import type { ZodIssue } from '../../lib/issue-words.ts'
import { askOf } from './contract-routes.ts'
import { credentialsOf, type Authenticate } from './http-access.ts'
import { mustUpgrade } from './live.ts'
import { closeAll, closeWithoutRights, recheckMs } from './socket-rights.ts'

/** Waiting to be sent; above it the host is read no further. */
const aheadBytes = 1024 * 1024

export function installTerminalRoute(
  app: FastifyInstance,
  options: { operations: Operations; authenticate: Authenticate; recheckMs?: number },
): void {
  const sockets = new Set<WebSocket>()
  void app.register(async (scope) => {
    scope.get<{ Params: { name: string } }>(
      `${apiPrefix}/hosts/:name/terminal`,
      { websocket: true, preValidation: async (request) => mustUpgrade(request.headers.upgrade) },
      (socket, request) => {
        sockets.add(socket)
        socket.once('close', () => sockets.delete(socket))
        socket.on('error', () => socket.terminate())
        const ask = askOf(request)
        const { authenticate } = options
        const everyMs = options.recheckMs ?? recheckMs
        closeWithoutRights(socket, ask.principal, { authenticate, credentials: credentialsOf(request), everyMs })
        void connect(socket, ask, options.operations, request.params.name, request.query)
      },
    )
  })
  app.addHook('preClose', async () => {
    await closeAll(sockets)
  })
}

async function connect(
  socket: WebSocket,
  ask: Ask,
  operations: Operations,
  name: string,
  query: unknown,
): Promise<void> {
  const send = (message: TerminalServerMessage): void => socket.send(JSON.stringify(message))
  const end = (message: Omit<Extract<TerminalServerMessage, { type: 'closed' }>, 'type'>): void => {
    if (socket.readyState !== socket.OPEN) return
    send({ type: 'closed', ...message })
    // A paused one would not hear that the page closes it too.
    socket.resume()
    socket.close(1000)
  }
  const gone = Promise.withResolvers<void>()
  socket.once('close', () => gone.resolve())
  // What is typed meanwhile waits.
  socket.pause()
  try {
    const size = sizeOf(query)
    if (!hostName.safeParse(name).success) throw notFound('host')
    const terminal = await operations.openTerminal(ask, name, size)
    const { output } = terminal
    void gone.promise.then(() => {
      terminal.close('the page was closed')
      // Its end comes behind what is left to read.
      output.removeAllListeners('data').resume()
    })
    if (socket.readyState !== socket.OPEN) return
    socket.on('message', (data: RawData, binary: boolean) => {
      if (binary) {
        if (!terminal.write(bytesOf(data))) socket.pause()
        return
      }
      const message = readMessage(data)
      if (message === null) return terminal.close('a message that this is no terminal for; see docs/hosts.md')
      terminal.resize(message)
    })
    terminal.onDrain(() => socket.resume())
    send({ type: 'open', host: name, idle_seconds: terminal.idleSeconds })
    output.on('data', (bytes: Buffer) => {
      socket.send(bytes, { binary: true }, () => {
        if (output.isPaused() && socket.bufferedAmount < aheadBytes) output.resume()
      })
      if (socket.bufferedAmount >= aheadBytes) output.pause()
    })
    output.resume()
    socket.resume()
    const { reason, exitCode, signal } = await terminal.ended
    end({ reason, code: null, exit_code: exitCode, signal })
  } catch (error) {
    const { code, message } = toAppError(error)
    end({ reason: message, code, exit_code: null, signal: null })
  }
}

function sizeOf(query: unknown): { cols: number; rows: number } {
  const parsed = terminalSize.safeParse(query)
  if (parsed.success) return parsed.data
  throw fieldsRefused(problemsOf(parsed.error.issues as ZodIssue[]))
}

const bytesOf = (data: RawData): Buffer =>
  Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)

function readMessage(data: RawData): { cols: number; rows: number } | null {
  try {
    const parsed = terminalClientMessage.safeParse(JSON.parse(bytesOf(data).toString()))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
