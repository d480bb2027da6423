/** An HTTP/2 client that sends whatever bytes the test wants, over TLS. */
import { once } from 'node:events'
import { connect, type ConnectionOptions } from 'node:tls'

export const frameTypes = { data: 0, headers: 1, rst: 3, settings: 4, ping: 6, goaway: 7, window: 8, continuation: 9 }
export const endStream = 0x1
export const endHeaders = 0x4
const ack = 0x1

export interface Frame {
  type: number
  flags: number
  stream: number
  payload: Buffer
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** HPACK: an integer with a prefix of `bits`. */
export function integer(value: number, bits: number, flags = 0): Buffer {
  const most = 2 ** bits - 1
  if (value < most) return Buffer.from([flags | value])
  const bytes = [flags | most]
  let rest = value - most
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Buffer.from([...bytes, rest])
}

const word = (text: string): Buffer => Buffer.concat([integer(Buffer.byteLength(text), 7), Buffer.from(text)])

/** Literals that are not put into the table. */
export const headerBlock = (headers: [name: string, value: string][]): Buffer =>
  Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), word(name), word(value)]))

/** One that is put there, to be named by `indexed(62)` afterwards. */
export const indexedLiteral = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0x40]), word(name), word(value)])
export const indexed = (at: number): Buffer => integer(at, 7, 0x80)

export const callHeaders = (path: string, more: [string, string][] = []): [string, string][] => [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':path', path],
  [':authority', 'localhost'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
  ...more,
]

export interface RawHttp2 {
  /** What the server sent so far. */
  frames: Frame[]
  send(...bytes: Buffer[]): void
  /** Sends as far as the socket takes it; false when the server has closed meanwhile. */
  pour(bytes: Buffer): Promise<boolean>
  isClosed(): boolean
  /** Resolves when the connection is over. */
  closed: Promise<void>
  end(): void
}

export async function rawHttp2(options: ConnectionOptions): Promise<RawHttp2> {
  const socket = connect({ host: '127.0.0.1', servername: 'localhost', ALPNProtocols: ['h2'], ...options })
  socket.on('error', () => {})
  const frames: Frame[] = []
  let rest = Buffer.alloc(0)
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const length = rest.readUIntBE(0, 3)
      const [type, flags] = [rest[3]!, rest[4]!]
      frames.push({ type, flags, stream: rest.readUInt32BE(5), payload: Buffer.from(rest.subarray(9, 9 + length)) })
      rest = rest.subarray(9 + length)
      if (type === frameTypes.settings && flags === 0) socket.write(frame(frameTypes.settings, ack, 0))
    }
  })
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  await once(socket, 'secureConnect')
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(frameTypes.settings, 0, 0)]))
  return {
    frames,
    send: (...bytes) => void socket.write(Buffer.concat(bytes)),
    async pour(bytes) {
      if (socket.destroyed) return false
      if (!socket.write(bytes)) await Promise.race([once(socket, 'drain').catch(() => {}), closed])
      return !socket.destroyed
    },
    isClosed: () => socket.destroyed,
    closed,
    end: () => socket.destroy(),
  }
}
