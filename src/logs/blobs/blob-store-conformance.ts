/** What every blob store must do, whatever it keeps blobs in. Call it in a test file of the store. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blobOf, type BlobStore } from './blob-store.ts'

export interface OpenBlobs {
  store: BlobStore
  cleanUp(): Promise<void>
}

const namesIn = async (store: BlobStore, prefix?: string): Promise<string[]> => {
  const names: string[] = []
  for await (const { name } of store.list(prefix)) names.push(name)
  return names.toSorted()
}

export function blobStoreConformance(kind: string, open: () => Promise<OpenBlobs>): void {
  describe(`blob store: ${kind}`, () => {
    let opened: OpenBlobs
    let store: BlobStore
    beforeAll(async () => {
      opened = await open()
      store = opened.store
      await store.check()
    })
    afterAll(() => opened.cleanUp())

    test('gives back any range of what was put, and no more than there is', async () => {
      const bytes = randomBytes(300_000)
      await store.put('ranges/one', blobOf(bytes))
      expect(await store.stat('ranges/one')).toEqual({ size: bytes.length })
      for (const [at, length] of [
        [0, bytes.length],
        [0, 1],
        [299_999, 1],
        [123_456, 70_000],
        [250_000, 100_000],
        [300_000, 10],
        [400_000, 10],
        [5, 0],
      ] as const) {
        expect((await store.get('ranges/one', at, length))?.equals(bytes.subarray(at, at + length))).toBe(true)
      }
    })

    test('what is not there is null, and deleting it is no error', async () => {
      expect(await store.get('none/at-all', 0, 10)).toBeNull()
      expect(await store.get('none/at-all', 0, 0)).toBeNull()
      expect(await store.stat('none/at-all')).toBeNull()
      await store.delete('none/at-all')
      expect(await namesIn(store, 'none')).toEqual([])
    })

    test('an empty blob is one', async () => {
      await store.put('empty/one', blobOf(Buffer.alloc(0)))
      expect(await store.stat('empty/one')).toEqual({ size: 0 })
      expect((await store.get('empty/one', 0, 0))?.length).toBe(0)
    })

    test('putting again replaces; deleting removes', async () => {
      await store.put('again/one', blobOf(Buffer.from('first, and longer')))
      await store.put('again/one', blobOf(Buffer.from('second')))
      expect((await store.get('again/one', 0, 100))?.toString()).toBe('second')
      await store.delete('again/one')
      await store.delete('again/one')
      expect(await store.stat('again/one')).toBeNull()
    })

    test('lists whole folders, more than a page of them', async () => {
      const names = Array.from({ length: 1_050 }, (_, i) => `listed/${i % 7}/b-${i}`)
      await Promise.all(names.map((name) => store.put(name, blobOf(Buffer.from(name)))))
      for (const other of ['listed-not', 'other/one']) await store.put(other, blobOf(Buffer.from('x')))
      expect(await namesIn(store, 'listed')).toEqual(names.toSorted())
      expect(await namesIn(store, 'listed/3')).toEqual(names.filter((name) => name.startsWith('listed/3/')).toSorted())
      expect(await namesIn(store)).toContain('other/one')
      for await (const { name, size } of store.list('listed/1')) expect(size).toBe(name.length)
    }, 60_000)

    test('a large one comes in chunks of any size and is never wholly in memory', async () => {
      const block = randomBytes(1_000_003)
      const count = 40
      let ahead = 0
      const blob = {
        size: block.length * count,
        async *chunks() {
          for (let i = 0; i < count; i++) {
            ahead = i
            yield block
          }
        },
      }
      await store.put('large/one', blob)
      expect(ahead).toBe(count - 1)
      expect(await store.stat('large/one')).toEqual({ size: blob.size })
      for (const at of [0, 8 * 1024 * 1024 - 5, 20_000_000, blob.size - 11]) {
        const found = await store.get('large/one', at, 11)
        const wanted = Buffer.from(Array.from({ length: 11 }, (_, i) => block[(at + i) % block.length]!))
        expect(found?.equals(wanted)).toBe(true)
      }
    }, 60_000)

    test('a source that fails leaves nothing, or what was there before', async () => {
      await store.put('torn/before', blobOf(Buffer.from('before')))
      for (const size of [100, 20_000_000]) {
        const torn = {
          size,
          async *chunks() {
            yield Buffer.alloc(size / 2)
            throw new Error('the source broke')
          },
        }
        await expect(store.put('torn/new', torn)).rejects.toThrow('the source broke')
        await expect(store.put('torn/before', torn)).rejects.toThrow('the source broke')
      }
      expect(await namesIn(store, 'torn')).toEqual(['torn/before'])
      expect((await store.get('torn/before', 0, 100))?.toString()).toBe('before')
    })

    test('names lead nowhere else', async () => {
      const names = [
        '',
        '/etc/passwd',
        '../up',
        'a/../b',
        'a//b',
        'a/',
        '.hidden',
        'a/.b',
        'a\0b',
        'a b',
        'a?b',
        'a%2e',
        'é',
      ]
      for (const name of [...names, 'x'.repeat(600)]) {
        const refused = { code: 'invalid_argument' }
        await expect(store.put(name, blobOf(Buffer.from('x'))), name).rejects.toMatchObject(refused)
        await expect(store.get(name, 0, 1), name).rejects.toMatchObject(refused)
        await expect(store.stat(name), name).rejects.toMatchObject(refused)
        await expect(store.delete(name), name).rejects.toMatchObject(refused)
      }
    })
  })
}
