/**
 * Pages of a log as WebSocket frames, made once for all followers who ask for them in the same words. What is sent to a
 * hundred sockets is then one piece of memory.
 */
import { passedOn } from '../../lib/young-buffers.ts'
import type { Followed } from '../../operations/logs.ts'
import { slabBytes, takeSlab, type Slab } from './frame-slabs.ts'

export type LogPage = Extract<Followed, { type: 'log' }>
type Pieces = LogPage['pieces']

/** Of these in all; a follower that is further behind makes its own. */
const mostShared = 6 * 1024 * 1024
const longestMs = 2_000

interface Made {
  name: string
  slabs: Slab[]
  bytes: number
  at: number
}

/** By the page itself: followers of one place hold the same object. Oldest first. */
const shared = new Map<Pieces, Made[]>()
let held = 0
let timer: NodeJS.Timeout | undefined

/** Each as long as a slab or shorter. Release every one of them. */
export function framesOf(page: LogPage, sub: string): Slab[] {
  const name = `${page.attempt} ${sub}`
  const known = shared.get(page.pieces)?.find((made) => made.name === name)
  const slabs = known?.slabs ?? share(page.pieces, name, encode(page, sub))
  for (const slab of slabs) slab.keep()
  return slabs
}

function share(pieces: Pieces, name: string, slabs: Slab[]): Slab[] {
  const bytes = slabs.reduce((sum, slab) => sum + slab.bytes.length, 0)
  shared.set(pieces, [...(shared.get(pieces) ?? []), { name, slabs, bytes, at: performance.now() }])
  held += bytes
  for (const oldest of shared.keys()) {
    if (held <= mostShared || oldest === pieces) break
    drop(oldest)
  }
  timer ??= setTimeout(dropOld, longestMs).unref()
  return slabs
}

function drop(pieces: Pieces): void {
  for (const { slabs, bytes } of shared.get(pieces) ?? []) {
    held -= bytes
    for (const slab of slabs) slab.release()
  }
  shared.delete(pieces)
}

function dropOld(): void {
  timer = undefined
  const before = performance.now() - longestMs
  for (const [pieces, made] of shared) if (made.every(({ at }) => at < before)) drop(pieces)
  if (shared.size > 0) timer = setTimeout(dropOld, longestMs).unref()
}

interface Message {
  head: Buffer
  bytes: Buffer
  length: number
}

const tail = '"}'
/** Of a frame that is not masked. */
const longestHeader = 10

function encode({ attempt, pieces }: LogPage, sub: string): Slab[] {
  const slabs: Slab[] = []
  let group: Message[] = []
  let room = slabBytes
  const flush = (): void => {
    if (group.length > 0) slabs.push(written(group))
    group = []
    room = slabBytes
  }
  for (const { stream, offset, time, bytes } of pieces) {
    const text = JSON.stringify({ type: 'log', sub, attempt, stream, offset, time })
    const head = Buffer.from(`${text.slice(0, -1)},"data":"`)
    const length = head.length + Math.ceil(bytes.length / 3) * 4 + tail.length
    if (length + longestHeader > room) flush()
    group.push({ head, bytes, length })
    room -= length + longestHeader
  }
  flush()
  return slabs
}

function written(group: Message[]): Slab {
  const slab = takeSlab(group.reduce((sum, { length }) => sum + headerOf(length) + length, 0))
  const out = slab.bytes
  let at = 0
  for (const { head, bytes, length } of group) {
    at = writeHeader(out, at, length)
    at += head.copy(out, at)
    at += out.write(bytes.toString('base64'), at, 'latin1')
    at += out.write(tail, at, 'latin1')
  }
  passedOn(out.length)
  return slab
}

const headerOf = (length: number): number => (length < 126 ? 2 : length < 65_536 ? 4 : 10)

/** One whole text message, RFC 6455. */
function writeHeader(out: Buffer, at: number, length: number): number {
  out[at] = 0x81
  if (length < 126) {
    out[at + 1] = length
    return at + 2
  }
  if (length < 65_536) {
    out[at + 1] = 126
    return out.writeUInt16BE(length, at + 2)
  }
  out[at + 1] = 127
  return out.writeBigUInt64BE(BigInt(length), at + 2)
}
