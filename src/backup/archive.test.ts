import { Readable, Writable } from 'node:stream'
import { createZstdCompress, zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { openArchive } from './archive-reader.ts'
import { createArchiveWriter } from './archive-writer.ts'
import { formatVersion, type Counts, type Manifest } from './format.ts'
import { decodeHeader, encodeHeader } from './tar.ts'

const manifest: Manifest = {
  kind: 'runyard-backup',
  format: formatVersion,
  id: 'abcdefghijkl',
  created_at: '2025-01-02T03:04:05.678Z',
  runyard_version: '1.2.3',
  postgres_version: '18.4',
  schema: [{ version: '001_spine', checksum: 'c' }],
  secret_key_id: '0011223344556677',
  keys_included: true,
  tables: [{ name: 'jobs', columns: ['id'] }],
  sequences: [],
}
const counts: Counts = {
  jobs: 1,
  users: 1,
  running: 0,
  logs: 2,
  log_bytes: 7,
  logs_missing: 0,
  logs_removed: 0,
  rows: { jobs: 1 },
}
const random = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7919) % 251))
const contents: [string, Buffer][] = [
  ['keys/secret.key', Buffer.from('key\n')],
  ['database/jobs/1', random],
  ['database/jobs/2', Buffer.from('1\n')],
  ['logs/1-1.sealed', Buffer.alloc(512, 7)],
  ['logs/2-1.records', Buffer.alloc(0)],
]

async function written(entries = contents, given: object = manifest): Promise<Buffer> {
  const out: Buffer[] = []
  const to = new Writable({ write: (chunk: Buffer, _, done) => (out.push(chunk), done()) })
  const writer = createArchiveWriter(to, new Date(0))
  await writer.add('manifest.json', Buffer.from(JSON.stringify(given)))
  for (const [name, bytes] of entries) await writer.add(name, bytes)
  await writer.finish(counts)
  return Buffer.concat(out)
}

async function read(file: Buffer): Promise<[string, Buffer][]> {
  const archive = await openArchive(Readable.from([file]))
  try {
    const found: [string, Buffer][] = []
    for await (const { name, chunks } of archive.entries()) {
      const parts: Buffer[] = []
      for await (const chunk of chunks) parts.push(chunk)
      found.push([name, Buffer.concat(parts)])
    }
    expect(archive.end().counts).toEqual(counts)
    expect(archive.manifest).toEqual(manifest)
    return found
  } finally {
    archive.close()
  }
}

/** The same archive with other bytes inside a whole frame, as somebody would make it who edits it. */
async function edited(change: (tar: Buffer) => Buffer): Promise<Buffer> {
  const tar = change(zstdDecompressSync(await written()))
  const zstd = createZstdCompress()
  zstd.end(tar)
  return Buffer.concat(await zstd.toArray())
}

test('what was written is read', async () => {
  expect(await read(await written())).toEqual(contents)
})

test('entries that nobody reads are checked too', async () => {
  const archive = await openArchive(Readable.from([await written()]))
  const names: string[] = []
  for await (const { name } of archive.entries()) names.push(name)
  expect(names).toEqual(contents.map(([name]) => name))
  expect(archive.end().parts['database/jobs']).toMatchObject({ entries: 2, bytes: 3002 })
})

test('a file that ends anywhere before its end is refused', async () => {
  const file = await written()
  for (let length = 0; length < file.length; length += length < 40 || length > file.length - 40 ? 1 : 37) {
    await expect(read(file.subarray(0, length)), `${length} of ${file.length} bytes`).rejects.toThrow(
      /^the backup is damaged: |^this is not a backup/,
    )
  }
})

test('a bit that flipped anywhere is noticed', async () => {
  const file = await written()
  for (let at = 0; at < file.length; at += 13) {
    const bad = Buffer.from(file)
    bad[at]! ^= 1 << (at % 8)
    const result = await read(bad).then(
      () => 'taken',
      (error: Error) => error.message,
    )
    // The frame's header has bits without a meaning; then the contents are still the same.
    if (result !== 'taken') expect(result).toMatch(/^the backup is damaged: |^this is not a backup/)
    else expect(at).toBeLessThan(14)
  }
})

test('each part has its own sum: changed contents in a frame that is valid', async () => {
  for (const [text, part] of [
    ['key\n', 'keys'],
    ['\u0007\u0007\u0007\u0007', 'logs'],
    ['001_spine', 'manifest.json'],
  ] as const) {
    const file = await edited((tar) => {
      tar[tar.indexOf(text)]! ^= 1
      return tar
    })
    await expect(read(file)).rejects.toThrow(`the backup is damaged: ${part} is not what was written`)
  }
})

test('an archive without its end record, or with an entry missing, is damaged', async () => {
  const endless = await edited((tar) => Buffer.concat([tar.subarray(0, tar.indexOf('end.json')), Buffer.alloc(1024)]))
  await expect(read(endless)).rejects.toThrow('its end record is missing')
  const gap = await edited((tar) => {
    const at = tar.indexOf('database/jobs/2')
    return Buffer.concat([tar.subarray(0, at), tar.subarray(at + 1024)])
  })
  await expect(read(gap)).rejects.toThrow('database/jobs is not what was written')
})

test('other files and newer formats are named as what they are', async () => {
  for (const file of [Buffer.from('hello'), Buffer.alloc(0), Buffer.alloc(5000, 'x')]) {
    await expect(read(file)).rejects.toThrow(/not a backup|damaged/)
  }
  await expect(read(await written(contents, { ...manifest, kind: 'other' }))).rejects.toThrow('not a backup of Runyard')
  await expect(read(await written(contents, { ...manifest, format: 99 }))).rejects.toThrow(/format 99/)
})

test('a failure of the other end reaches the writer', async () => {
  const to = new Writable({ highWaterMark: 1, write: (_chunk, _, done) => done(new Error('no space left')) })
  const writer = createArchiveWriter(to, new Date())
  const work = async (): Promise<void> => {
    for (let i = 0; i < 200; i++)
      await writer.add(`logs/${i + 1}-1.sealed`, Buffer.from(crypto.getRandomValues(new Uint8Array(65536))))
    await writer.finish(counts)
  }
  await expect(work()).rejects.toThrow('no space left')
})

test('sizes beyond what octal digits hold', () => {
  for (const size of [0, 511, 8 * 1024 ** 3 - 1, 8 * 1024 ** 3, 5 * 1024 ** 4]) {
    expect(decodeHeader(encodeHeader({ name: 'logs/1-1.sealed', size }, 0))).toEqual({ name: 'logs/1-1.sealed', size })
  }
})
