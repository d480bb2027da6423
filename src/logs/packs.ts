/**
 * The packs of one directory: a thousand jobs to a pack. What is put together is made durable by one synchronous write to
 * each pack it touches, which is one pack as a rule. The index of a pack is read when it is needed and let go again.
 */
import { constants } from 'node:fs'
import { mkdir, open, opendir, readFile, rename, rm, truncate, type FileHandle } from 'node:fs/promises'
import { promisify } from 'node:util'
import { crc32, zstdDecompress } from 'node:zlib'
import { AppError } from '../lib/app-error.ts'
import { createKeyedLock } from './keyed-lock.ts'
import type { ShortLog, StoredLog } from './log-store.ts'
import {
  encodeEntry,
  encodeRemoval,
  entryHeaderBytes,
  isCompressed,
  isRemoved,
  packMagic,
  packPath,
  packsIn,
  rangeOf,
  scanPack,
  type PackEntry,
} from './pack-file.ts'
import { readAt, writeAll } from './sealed-file.ts'

const decompress = promisify(zstdDecompress)

export interface PackItem {
  attemptKey: string
  log: ShortLog
}

export interface Packs {
  /** Durable when it resolves. Null: this log has to go elsewhere; another one is there, or the pack is full. */
  put(items: readonly PackItem[]): Promise<(PackEntry | null)[]>
  find(attemptKey: string): Promise<PackEntry | null>
  /** The record file; ENOENT when it was removed. */
  read(attemptKey: string): Promise<Buffer>
  /** Whether it was there. */
  remove(attemptKey: string): Promise<boolean>
  list(): AsyncGenerator<StoredLog>
  close(): Promise<void>
}

interface Pack {
  path: string
  length: number
  /** Those that were not removed. */
  entries: Map<string, PackEntry>
  liveBytes: number
  file: FileHandle | undefined
  nameDurable: boolean
}

export interface PackOptions {
  /** Memory for indexes. */
  cacheBytes: number
  /** A pack takes no more than this, so that reading it back after a start stays short. */
  packBytes?: number
  syncDirectory(path: string): Promise<void>
}

const { O_DSYNC, O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants
/** Open files of packs that are written to. */
const mostOpen = 32
const entryMemory = 250
const namePattern = /^([0-9]+)\.pack$/
/** Waste beyond this, when it is more than what is still wanted, is worth a copy. */
const leastWaste = 1024 * 1024

const sizeOf = (entry: PackEntry): number => entryHeaderBytes + entry.stored
const missing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

export function createPacks(root: string, options: PackOptions): Packs {
  const directory = packsIn(root)
  const mostBytes = options.packBytes ?? 32 * 1024 * 1024
  const lock = createKeyedLock()
  /** Least recently used first. */
  const packs = new Map<string, Pack>()
  const pathOf = (range: string): string => packPath(root, range)

  /** Call under the lock of the range. */
  const load = async (range: string): Promise<Pack> => {
    const known = packs.get(range)
    const pack = known ?? (await readPack(pathOf(range)))
    packs.delete(range)
    packs.set(range, pack)
    if (known === undefined) await forget(range)
    return pack
  }

  const forget = async (but: string): Promise<void> => {
    let bytes = 0
    for (const pack of packs.values()) bytes += 1000 + pack.entries.size * entryMemory
    for (const [range, pack] of packs) {
      if (bytes <= options.cacheBytes && packs.size <= mostOpen) return
      if (range === but || lock.busy(range)) continue
      bytes -= 1000 + pack.entries.size * entryMemory
      await drop(range, pack)
    }
  }

  const drop = async (range: string, pack: Pack): Promise<void> => {
    packs.delete(range)
    const { file } = pack
    pack.file = undefined
    await file?.close().catch(() => {})
  }

  const writable = async (pack: Pack): Promise<FileHandle> => {
    for (let tries = 0; pack.file === undefined; tries++) {
      try {
        pack.file = await open(pack.path, O_RDWR | O_CREAT | O_NOFOLLOW | O_DSYNC, 0o600)
      } catch (error) {
        if (!missing(error) || tries > 0) throw error
        await mkdir(directory, { recursive: true, mode: 0o700 })
        await options.syncDirectory(root)
      }
    }
    return pack.file
  }

  /** Behind what is there; when it fails nothing of it counts, whatever the disk has. */
  const append = async (range: string, pack: Pack, parts: Buffer[]): Promise<void> => {
    const bytes = Buffer.concat(pack.length === 0 ? [packMagic, ...parts] : parts)
    try {
      const file = await writable(pack)
      await writeAll(file, bytes, pack.length) // O_DSYNC: durable when written
      if (!pack.nameDurable) {
        await options.syncDirectory(directory)
        pack.nameDurable = true
      }
    } catch (error) {
      await truncate(pack.path, pack.length).catch(() => {})
      await drop(range, pack)
      throw error
    }
    pack.length += bytes.length
  }

  const putInto = async (range: string, items: readonly PackItem[]): Promise<(PackEntry | null)[]> => {
    const pack = await load(range)
    const parts: Buffer[] = []
    const fresh = new Map<string, PackEntry>()
    let at = pack.length || packMagic.length
    const answers = items.map(({ attemptKey, log }) => {
      const encoded = encodeEntry(attemptKey, log, at)
      const known = fresh.get(attemptKey) ?? pack.entries.get(attemptKey)
      if (known && !known.damaged) return same(known, encoded.entry) ? known : null
      if (at + encoded.size > mostBytes) return null
      parts.push(...encoded.parts)
      at += encoded.size
      fresh.set(attemptKey, encoded.entry)
      return encoded.entry
    })
    if (parts.length > 0) await append(range, pack, parts)
    for (const [key, entry] of fresh) {
      pack.entries.set(key, entry)
      pack.liveBytes += sizeOf(entry)
    }
    return answers
  }

  /** Copies what is still wanted when most of a pack is not. */
  const compact = async (range: string, pack: Pack): Promise<void> => {
    const waste = pack.length - pack.liveBytes
    if (waste < leastWaste || waste < pack.liveBytes) return
    const draft = `${pack.path}ing`
    const old = await readFile(pack.path)
    const parts = [packMagic]
    for (const entry of pack.entries.values()) {
      parts.push(old.subarray(entry.at - entryHeaderBytes, entry.at + entry.stored))
    }
    try {
      const file = await open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600)
      try {
        await writeAll(file, Buffer.concat(parts), 0)
        await file.datasync()
      } finally {
        await file.close()
      }
      await rename(draft, pack.path)
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {})
      throw error
    }
    await drop(range, pack)
    await options.syncDirectory(directory)
  }

  const find = async (attemptKey: string): Promise<PackEntry | null> => {
    const range = rangeOf(attemptKey)
    // Most questions are about the newest jobs, whose pack is at hand.
    if (packs.has(range) && !lock.busy(range)) return packs.get(range)!.entries.get(attemptKey) ?? null
    return lock.run(range, async () => (await load(range)).entries.get(attemptKey) ?? null)
  }

  return {
    async put(items) {
      const ranges = Map.groupBy(items, (item) => rangeOf(item.attemptKey))
      const found = new Map<PackItem, PackEntry | null>()
      await Promise.all(
        [...ranges].map(async ([range, of]) => {
          const answers = await lock.run(range, () => putInto(range, of))
          of.forEach((item, i) => found.set(item, answers[i]!))
        }),
      )
      return items.map((item) => found.get(item)!)
    },

    find,

    async read(attemptKey) {
      // A second look when the pack was copied between the two steps of the first.
      for (let tries = 0; tries < 2; tries++) {
        const entry = await find(attemptKey)
        if (entry === null) throw Object.assign(new Error(`the log ${attemptKey} was removed`), { code: 'ENOENT' })
        const file = await open(pathOf(rangeOf(attemptKey)), O_RDONLY | O_NOFOLLOW)
        try {
          const payload = await readAt(file, entry.at, entry.stored)
          if (payload.length !== entry.stored || crc32(payload) !== entry.crc) continue
          return isCompressed(entry) ? await decompress(payload) : payload
        } finally {
          await file.close()
        }
      }
      throw new AppError('internal', `the log ${attemptKey} is damaged on disk`)
    },

    async remove(attemptKey) {
      const range = rangeOf(attemptKey)
      return lock.run(range, async () => {
        const pack = await load(range)
        const entry = pack.entries.get(attemptKey)
        if (entry === undefined) return false
        if (pack.entries.size === 1) {
          await rm(pack.path, { force: true })
          await drop(range, pack)
          return true
        }
        await append(range, pack, [encodeRemoval(attemptKey)])
        pack.entries.delete(attemptKey)
        pack.liveBytes -= sizeOf(entry)
        await compact(range, pack)
        return true
      })
    },

    async *list() {
      for (const range of await rangesIn(directory)) {
        const found = await lock.run(range, async () => [...(await load(range)).entries])
        for (const [attemptKey, entry] of found) yield { attemptKey, bytes: sizeOf(entry), sealed: true }
      }
    },

    async close() {
      for (const [range, pack] of packs) await lock.run(range, () => drop(range, pack))
    },
  }
}

const same = (a: PackEntry, b: PackEntry): boolean =>
  a.crc === b.crc && a.stored === b.stored && a.sums.length === b.sums.length

async function readPack(path: string): Promise<Pack> {
  const pack: Pack = { path, length: 0, entries: new Map(), liveBytes: 0, file: undefined, nameDurable: false }
  let bytes: Buffer
  try {
    bytes = await readFile(path, { flag: O_RDONLY | O_NOFOLLOW })
  } catch (error) {
    if (missing(error)) return pack
    throw error
  }
  const { length, entries } = scanPack(bytes)
  if (length < bytes.length) await truncate(path, length)
  pack.length = length
  for (const [key, entry] of entries) {
    if (isRemoved(entry)) continue
    pack.entries.set(key, entry)
    pack.liveBytes += sizeOf(entry)
  }
  return pack
}

async function rangesIn(directory: string): Promise<string[]> {
  const ranges: string[] = []
  try {
    for await (const { name } of await opendir(directory)) {
      const range = namePattern.exec(name)?.[1]
      if (range !== undefined) ranges.push(range)
    }
  } catch (error) {
    if (!missing(error)) throw error
  }
  return ranges
}
