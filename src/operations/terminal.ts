/**
 * A terminal on a host, for administrators where RUNYARD_WEB_TERMINAL allows it. The server itself connects. That it was
 * opened and closed is in the audit log, with how much went through; what went through is recorded nowhere.
 */
import type { Readable } from 'node:stream'
import type { ClientChannel } from 'ssh2'
import { raiseAlarm } from '../hosts/alarm.ts'
import { findHost, hostsWithJumps } from '../hosts/find-hosts.ts'
import type { SshTarget } from '../job/host.ts'
import { AppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { connectTo, type SshConnection } from '../ssh/connect.ts'
import { HostKeyChanged, SshError } from '../ssh/errors.ts'
import { audited, type Act } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { tellAlarm } from './host-alarm.ts'
import { may } from '../access/permissions.ts'
import { createTargets, NoWay } from './ssh-places.ts'
import { whyNotUsed } from './submit-hosts.ts'

export interface TerminalSize {
  cols: number
  rows: number
}
export interface TerminalEnd {
  reason: string
  exitCode: number | null
  signal: string | null
}
export interface Terminal {
  /** Seconds without a key pressed after which it ends. */
  idleSeconds: number
  output: Readable
  /** False: no more before `drained` was called. */
  write(bytes: Buffer): boolean
  onDrain(listener: () => void): void
  resize(size: TerminalSize): void
  close(reason: string): void
  /** When all of it is written down. Never rejects. */
  ended: Promise<TerminalEnd>
}

const usualIdleSeconds = 900
/** Of one server. */
const mostAtOnce = 20
let openNow = 0

export async function openTerminal(
  deps: Deps,
  anyAsk: Ask,
  name: string,
  size: TerminalSize,
  { idleSeconds = usualIdleSeconds } = {},
): Promise<Terminal> {
  const ask = known(anyAsk)
  const act = { action: 'host.terminal_open', target: `host:${name}` }
  // Written down before the first byte: whoever kills the server leaves a trace of having been there.
  const target = await audited(deps, ask, act, () => targetFor(deps, ask, name))
  openNow += 1
  try {
    const connection = await connect(deps, ask, target)
    return await shellOn(deps, ask, connection, { act, size, idleSeconds })
  } catch (error) {
    openNow -= 1
    const why = error instanceof Error ? error.message : String(error)
    await noteClosed(deps, ask, act, { reason: why.slice(0, 300), seconds: 0, bytes_in: 0, bytes_out: 0 })
    throw error instanceof SshError ? new AppError('unavailable', error.message) : error
  }
}

async function targetFor(deps: Deps, ask: KnownAsk, name: string): Promise<SshTarget> {
  if (!may(ask.principal, 'host.terminal')) throw refusal(ask, 'host.terminal', 'only an administrator may do this')
  if (!deps.config.webTerminal) {
    throw new AppError('failed_precondition', 'terminals are not allowed here; see RUNYARD_WEB_TERMINAL')
  }
  deps.closing.check()
  if (openNow >= mostAtOnce) {
    throw new AppError('resource_exhausted', `${mostAtOnce} terminals are open on this server: close one`)
  }
  const row = await findHost(deps.db, name)
  if (row === null) throw notFound('host')
  const why = whyNotUsed(row, 'admin')
  if (why !== null) throw new AppError('failed_precondition', `host ${name} ${why}`)
  const rows = await hostsWithJumps(deps.db, [name])
  try {
    return createTargets(rows, deps.sealer)(rows.find((one) => one.name === name) ?? row)
  } catch (error) {
    if (error instanceof NoWay) throw new AppError('failed_precondition', error.message)
    throw error
  }
}

async function connect(deps: Deps, ask: KnownAsk, target: SshTarget): Promise<SshConnection> {
  try {
    return await connectTo(target, { agent: deps.config.sshAgent })
  } catch (error) {
    if (error instanceof HostKeyChanged) {
      const changed = { host: error.host, key: error.seen, runner: null, job: null }
      await deps.db.tx(async (tx) => {
        const at = await raiseAlarm(tx, changed)
        if (at !== null) await tellAlarm(tx, changed, { at, ownerId: ask.principal.userId, actor: ask.principal })
      })
    }
    throw error
  }
}

const shell = (connection: SshConnection, { cols, rows }: TerminalSize): Promise<ClientChannel> =>
  new Promise((resolve, reject) => {
    const window = { term: 'xterm-256color', cols, rows, width: 0, height: 0 }
    connection.client.shell(window, (error, channel) => {
      if (error === undefined) return resolve(channel)
      connection.close()
      reject(new AppError('unavailable', `the host gives no terminal: ${error.message}`))
    })
  })

async function shellOn(
  deps: Deps,
  ask: KnownAsk,
  connection: SshConnection,
  { act, size, idleSeconds }: { act: Act; size: TerminalSize; idleSeconds: number },
): Promise<Terminal> {
  const channel = await shell(connection, size)
  const began = performance.now()
  const end: TerminalEnd = { reason: 'the shell has ended', exitCode: null, signal: null }
  let bytesIn = 0
  let bytesOut = 0
  let closing = false
  const close = (reason: string): void => {
    if (closing) return
    closing = true
    end.reason = reason
    channel.close()
    connection.close()
  }
  const idle = setTimeout(() => close(`nobody has typed for ${idleSeconds / 60} minutes`), idleSeconds * 1000)
  channel.on('data', (bytes: Buffer) => void (bytesOut += bytes.length))
  channel.pause()
  channel.stderr.resume()
  channel.on('exit', (code: number | null, signal?: string) => {
    closing = true
    Object.assign(end, { exitCode: code, signal: signal ?? null })
  })
  void connection.closed.then((why) => {
    if (why !== null) close('the connection to the host was cut')
    channel.destroy()
  })
  channel.on('error', () => close('the connection to the host was cut'))
  const ended = new Promise<void>((resolve) => channel.once('close', () => resolve())).then(async () => {
    openNow -= 1
    clearTimeout(idle)
    connection.close()
    const seconds = Math.round((performance.now() - began) / 1000)
    await noteClosed(deps, ask, act, { reason: end.reason, seconds, bytes_in: bytesIn, bytes_out: bytesOut })
    return end
  })
  return {
    idleSeconds,
    output: channel,
    write(bytes) {
      bytesIn += bytes.length
      idle.refresh()
      return channel.write(bytes)
    },
    onDrain: (listener) => void channel.on('drain', listener),
    resize: ({ cols, rows }) => channel.setWindow(rows, cols, 0, 0),
    close,
    ended,
  }
}

async function noteClosed(
  deps: Deps,
  ask: KnownAsk,
  { target }: Act,
  detail: { reason: string; seconds: number; bytes_in: number; bytes_out: number },
): Promise<void> {
  await audited(deps, ask, { action: 'host.terminal_close', target }, async (_tx, note) => note(detail)).catch(
    (error: unknown) => emitFact({ name: 'audit.failed', level: 'error', error: String(error) }),
  )
}
