/** The gate in SOCKS 5 (RFC 1928): CONNECT to a name or an address, without a password; the name is looked up here. */
import type { Socket } from 'node:net'
import { NotConnected, type Gate, type NoWay } from './gate.ts'
import { join, sayLast } from './join.ts'

export const socksVersion = 5
const noPassword = 0
const noMethod = 0xff
const connectCommand = 1
const kinds = { ipv4: 1, name: 3, ipv6: 4 } as const
const said = { granted: 0, failed: 1, refused: 2, unreachable: 4, notConnected: 5, noCommand: 7, noKind: 8 } as const
const replyTo: Record<NoWay, number> = {
  refused: said.refused,
  unknown: said.unreachable,
  unreachable: said.notConnected,
  late: said.unreachable,
}
const handshakeMs = 30_000

/** Not SOCKS, or not a part of it that we have. */
class Malformed extends Error {
  readonly reply: number | null
  constructor(reply: number | null = null) {
    super('malformed')
    this.reply = reply
  }
}

export function serveSocks(gate: Gate, client: Socket): void {
  const late = setTimeout(() => client.destroy(), handshakeMs)
  const reader = readerOf(client)
  client.on('error', () => {}) // `close` follows
  client.once('close', () => clearTimeout(late))
  shake(gate, client, reader)
    .catch((error: unknown) => {
      reader.letGo()
      const reply = error instanceof NotConnected ? replyTo[error.kind] : (error as Partial<Malformed>).reply
      if (reply === null || reply === undefined) client.destroy()
      else sayLast(client, answer(reply))
    })
    .finally(() => clearTimeout(late))
}

const answer = (code: number): Buffer => Buffer.from([socksVersion, code, 0, kinds.ipv4, 0, 0, 0, 0, 0, 0])

async function shake(gate: Gate, client: Socket, reader: Reader): Promise<void> {
  const [version, count = 0] = await reader.take(2)
  if (version !== socksVersion) throw new Malformed()
  if (!(await reader.take(count)).includes(noPassword)) {
    reader.letGo()
    return sayLast(client, Buffer.from([socksVersion, noMethod]))
  }
  client.write(Buffer.from([socksVersion, noPassword]))
  const [again, command, , kind] = await reader.take(4)
  if (again !== socksVersion) throw new Malformed()
  const host = await hostOf(reader, kind ?? 0)
  const port = (await reader.take(2)).readUInt16BE(0)
  if (command !== connectCommand) throw new Malformed(said.noCommand)
  if (port === 0) throw new Malformed(said.failed)
  const server = await gate.connect(host, port)
  if (client.destroyed) return void server.destroy()
  client.write(answer(said.granted))
  reader.letGo()
  join(client, server)
}

async function hostOf(reader: Reader, kind: number): Promise<string> {
  if (kind === kinds.ipv4) return [...(await reader.take(4))].join('.')
  if (kind === kinds.ipv6) {
    const bytes = await reader.take(16)
    return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':')
  }
  if (kind !== kinds.name) throw new Malformed(said.noKind)
  const [length = 0] = await reader.take(1)
  return (await reader.take(length)).toString('latin1')
}

interface Reader {
  take(count: number): Promise<Buffer>
  letGo(): void
}

/** Takes no more than it is asked for; the rest, and the end, are for whoever comes after. */
function readerOf(client: Socket): Reader {
  let wake: () => void = () => {}
  let ended = false
  const onMore = (): void => wake()
  const onEnd = (): void => {
    ended = true
    wake()
  }
  client.on('readable', onMore)
  for (const end of ['end', 'close']) client.on(end, onEnd)
  return {
    async take(count) {
      if (count === 0) return Buffer.alloc(0)
      for (;;) {
        const taken = client.read(count) as Buffer | null
        if (taken?.length === count) return taken
        if (taken !== null || ended) throw new Malformed()
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    letGo() {
      client.off('readable', onMore)
      for (const end of ['end', 'close']) client.off(end, onEnd)
    },
  }
}
