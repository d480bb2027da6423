/**
 * One connection to a host whose key is known. ssh2 accepts any key when nobody asks; here nothing connects without
 * `hostVerifier`, and credentials are sent only behind it. Used by the executor and, for terminals, by the server.
 */
import { connect as connectSocket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Client, type AnyAuthMethod, type ConnectConfig } from 'ssh2'
import { hostLimits, type PinnedKey, type SshTarget } from '../job/host.ts'
import { HostKeyChanged, HostKeyUnknown, SshError } from './errors.ts'
import { keyOf, sameKey, signaturesFor } from './host-keys.ts'

export interface ConnectOptions {
  /** Socket of an SSH agent on this machine. */
  agent?: string
  signal?: AbortSignal
}

export interface SshConnection {
  client: Client
  /** Resolves once, with why, when it is gone; null: it was closed from here. */
  closed: Promise<Error | null>
  close(): void
}

/** What leads to a host and is no secret, but for the way there. */
export type SshAddress = Pick<SshTarget, 'name' | 'address' | 'port'> &
  Partial<Pick<SshTarget, 'connect_timeout_seconds' | 'jump'>>

/** Keep-alives without an answer before a connection counts as cut. */
const deafFor = 3
const usualPatience = 15

/** Rejects with an SshError. */
export async function connectTo(target: SshTarget, options: ConnectOptions = {}): Promise<SshConnection> {
  const { name, keys } = target
  const config: ConnectConfig = {
    username: target.user,
    ...credentials(target, options),
    keepaliveInterval: target.keep_alive_seconds * 1000,
    keepaliveCountMax: deafFor,
    algorithms: { serverHostKey: signaturesFor(keys) },
  }
  return open(target, options, config, (seen) => {
    if (keys.length === 0) return new HostKeyUnknown(name, seen)
    return keys.some((key) => sameKey(key, seen)) ? undefined : new HostKeyChanged(name, seen)
  })
}

/** Undefined: it is the right one. */
export type Judge = (seen: PinnedKey) => SshError | undefined

/** Through its jump hosts, each with pinned keys, whatever is thought of the host itself. */
export async function open(
  to: SshAddress,
  options: ConnectOptions,
  config: ConnectConfig,
  judge: Judge,
): Promise<SshConnection> {
  const { name, jump } = to
  if (jumpsOf(to) > hostLimits.jumps)
    throw new SshError('config', name, `host ${name} is behind more than ${hostLimits.jumps} jump hosts`)
  const via = jump && (await connectTo(jump, options))
  try {
    const connection = await handshake(to, options, config, judge, via)
    if (via) {
      void connection.closed.then(() => via.close())
      void via.closed.then(() => connection.close())
    }
    return connection
  } catch (error) {
    via?.close()
    throw error
  }
}

const jumpsOf = (to: SshAddress): number => (to.jump ? 1 + jumpsOf(to.jump) : 0)

function handshake(
  to: SshAddress,
  { signal }: ConnectOptions,
  config: ConnectConfig,
  judge: Judge,
  via: SshConnection | undefined,
): Promise<SshConnection> {
  const { name, address, port, connect_timeout_seconds: patience = usualPatience } = to
  const client = new Client()
  const state: { socket?: Duplex; verdict?: SshError; ready?: true; over?: true; why?: Error; closedHere?: true } = {}
  const { promise: closed, resolve: tellClosed } = Promise.withResolvers<Error | null>()
  const { promise, resolve, reject } = Promise.withResolvers<SshConnection>()
  const settle = (): void => {
    state.over = true
    clearTimeout(late)
    signal?.removeEventListener('abort', abort)
  }
  const fail = (error: SshError): void => {
    if (state.over) return
    settle()
    reject(error)
    // Of its own, `destroy` leaves a socket alone that is half closed.
    state.socket?.destroy()
  }
  const unreached = (why: string): void =>
    fail(new SshError('unreachable', name, `host ${name} (${address}:${port}) is not reached: ${why}`))
  const abort = (): void => fail(new SshError('aborted', name, `connecting to host ${name} was given up`))
  // Ours begins with the name's resolution; that of ssh2 after it.
  const late = setTimeout(() => unreached(`no answer in ${patience} s`), patience * 1000)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })

  client.on('error', (error: Error & { level?: string }) => {
    state.why ??= error
    fail(state.verdict ?? failureOf(to, error))
  })
  client.on('close', () => {
    fail(state.verdict ?? new SshError('unreachable', name, `host ${name} (${address}:${port}) hung up`))
    tellClosed(state.closedHere ? null : (state.why ?? new Error('the connection was cut')))
  })
  client.on('ready', () => {
    if (state.over) return
    settle()
    const close = (): void => {
      state.closedHere = true
      client.end()
      // One that is cut never answers.
      setTimeout(() => state.socket?.destroy(), 1000).unref()
    }
    resolve({ client, closed, close })
  })

  const begin = (socket: Duplex): void => {
    state.socket = socket
    if (state.over) return void socket.destroy()
    try {
      client.connect({
        ...config,
        sock: socket,
        readyTimeout: 0,
        hostVerifier(blob: Buffer) {
          const verdict = judge(keyOf(blob))
          if (verdict !== undefined) state.verdict = verdict
          return verdict === undefined
        },
      })
    } catch (error) {
      fail(new SshError('config', name, `host ${name}: ${unusable((error as Error).message)}`))
    }
  }
  if (via) {
    void via.closed.then(() => unreached('the connection to its jump host was cut'))
    via.client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
      if (error) unreached(`its jump host says ${error.message}`)
      else begin(channel)
    })
  } else {
    const socket = connectSocket({ host: address, port, noDelay: true })
    state.socket = socket
    const refused = (error: Error): void => unreached(error.message)
    socket.once('error', refused)
    socket.once('connect', () => {
      socket.off('error', refused)
      begin(socket)
    })
  }
  return promise
}

function failureOf({ name, address, port }: SshAddress, { level, message }: Error & { level?: string }): SshError {
  if (level === 'client-authentication')
    return new SshError('auth', name, `host ${name} does not let us in: its user or its credentials are wrong`)
  if (level === 'agent') return new SshError('auth', name, `the SSH agent for host ${name} did not help: ${message}`)
  const disagreed = /^Handshake failed: (no matching .*)/.exec(message)
  if (disagreed) return new SshError('config', name, `host ${name} agrees to nothing that is safe: ${disagreed[1]}`)
  return new SshError('unreachable', name, `host ${name} (${address}:${port}) is not reached: ${message}`)
}

const unusable = (message: string): string =>
  /privateKey/.test(message)
    ? 'its private key cannot be read: a wrong passphrase, or not a key that OpenSSH writes'
    : message

/** Each method by name: left to itself ssh2 tries others, and asks agents that nobody meant. */
function credentials({ name, user: username, auth }: SshTarget, { agent }: ConnectOptions): ConnectConfig {
  const only = (...methods: AnyAuthMethod[]): ConnectConfig => ({ authHandler: methods })
  switch (auth.method) {
    case 'key':
      return {
        privateKey: auth.private_key,
        ...(auth.passphrase === undefined ? {} : { passphrase: auth.passphrase }),
        authHandler: ['publickey'],
      }
    case 'password': {
      const { password } = auth
      return only(
        { type: 'password', username, password },
        // With PAM some hosts ask for it: one question whose answer is not shown. No other is answered.
        {
          type: 'keyboard-interactive',
          username,
          prompt: (_name, _instructions, _language, prompts, finish) =>
            finish(prompts.length === 1 && prompts[0]!.echo !== true ? [password] : []),
        },
      )
    }
    case 'agent':
      if (agent === undefined)
        throw new SshError(
          'config',
          name,
          `host ${name} wants an SSH agent, and there is none here: set RUNYARD_SSH_AGENT`,
        )
      return only({ type: 'agent', username, agent })
  }
}
