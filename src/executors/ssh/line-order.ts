/**
 * Output of several hosts in one log: whole lines, each with the name of its host before it. In which order they came is
 * kept in a file, so that whoever takes it up anew, with all output from the first byte again, hands over the same bytes.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { unlinkIfThere } from '../supervisor/state-file.ts'
import type { DriveTools } from '../driver/driver.ts'

type Stream = 'stdout' | 'stderr'
interface Entry {
  host: number
  stream: Stream
  /** Bytes as they came. */
  raw: number
  /** With the names. */
  shown: number
}

const entryBytes = 11
/** A line that is longer is cut. */
const longestLine = 64 * 1024

export class LineOrder {
  readonly #path: string
  readonly #names: string[]
  readonly #output: DriveTools['output']
  /** What was handed over before and has not come again yet. */
  #replay: Entry[]
  readonly #held = new Map<string, Buffer>()
  readonly #over = new Set<number>()

  constructor(path: string, names: string[], output: DriveTools['output']) {
    this.#path = path
    this.#names = names
    this.#output = output
    this.#replay = readEntries(path)
  }

  take(host: number, stream: Stream, bytes: Buffer): Promise<void> | undefined {
    const id = `${host} ${stream}`
    const held = this.#held.get(id)
    this.#held.set(id, held && held.length > 0 ? Buffer.concat([held, bytes]) : Buffer.from(bytes))
    if (this.#replay.length > 0) return this.#replayed()
    return this.#lines(host, stream)
  }

  /** Nothing more comes from it. */
  finish(host: number): void {
    this.#over.add(host)
    if (this.#replay.length > 0) void this.#replayed()
    else this.#rest(host)
  }

  remove(): void {
    unlinkIfThere(this.#path)
  }

  #rest(host: number): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const held = this.#held.get(`${host} ${stream}`)
      if (held !== undefined && held.length > 0) void this.#hand(host, stream, held.length)
    }
  }

  #lines(host: number, stream: Stream): Promise<void> | undefined {
    const held = this.#held.get(`${host} ${stream}`)!
    const end = held.lastIndexOf(10) + 1
    if (end > 0) return this.#hand(host, stream, end)
    return held.length > longestLine ? this.#hand(host, stream, held.length) : undefined
  }

  #hand(host: number, stream: Stream, length: number): Promise<void> | undefined {
    const shown = this.#shown(host, stream, length)
    const entry = Buffer.alloc(entryBytes)
    entry.writeUInt8(stream === 'stdout' ? 1 : 2, 0)
    entry.writeUInt16LE(host, 1)
    entry.writeUInt32LE(length, 3)
    entry.writeUInt32LE(shown.length, 7)
    appendFileSync(this.#path, entry, { mode: 0o600 })
    return this.#output(stream, shown)
  }

  #shown(host: number, stream: Stream, length: number): Buffer {
    const id = `${host} ${stream}`
    const held = this.#held.get(id)!
    this.#held.set(id, held.subarray(length))
    return withName(this.#names[host]!, held.subarray(0, length))
  }

  #replayed(): Promise<void> | undefined {
    let wait: Promise<void> | undefined
    for (let entry = this.#replay[0]; entry !== undefined; entry = this.#replay[0]) {
      const { host, stream, raw, shown } = entry
      const there = this.#held.get(`${host} ${stream}`)?.length ?? 0
      if (there < raw && !this.#over.has(host)) return wait
      this.#replay.shift()
      // A host that was lost gives it no more: it is recorded already, and only its length counts.
      wait = this.#output(stream, there < raw ? Buffer.alloc(shown, ' ') : this.#shown(host, stream, raw)) ?? wait
    }
    for (let host = 0; host < this.#names.length; host++) {
      for (const stream of ['stdout', 'stderr'] as const)
        if (this.#held.has(`${host} ${stream}`)) wait = this.#lines(host, stream) ?? wait
      if (this.#over.has(host)) this.#rest(host)
    }
    return wait
  }
}

function withName(name: string, bytes: Buffer): Buffer {
  const before = Buffer.from(`${name} | `)
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(10, at)
    const end = newline === -1 ? bytes.length : newline + 1
    parts.push(before, bytes.subarray(at, end))
    at = end
  }
  if (bytes.at(-1) !== 10) parts.push(Buffer.from('\n'))
  return Buffer.concat(parts)
}

function readEntries(path: string): Entry[] {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch {
    return []
  }
  const entries: Entry[] = []
  for (let at = 0; at + entryBytes <= bytes.length; at += entryBytes)
    entries.push({
      stream: bytes.readUInt8(at) === 1 ? 'stdout' : 'stderr',
      host: bytes.readUInt16LE(at + 1),
      raw: bytes.readUInt32LE(at + 3),
      shown: bytes.readUInt32LE(at + 7),
    })
  return entries
}
