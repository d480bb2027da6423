import { randomBytes } from 'node:crypto'
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { cluster, roamingRunner, type Cluster, type ClusterServer } from '../../test/server-cluster.ts'
import { s3Server } from '../../test/s3-server.ts'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import { until } from '../../test/until.ts'
import type { FollowEvent } from '../api/client-follow.ts'
import { ReportResult } from '../api/grpc/gen/runyard/runner/v1/runner_pb.js'
import type { BlobStore } from '../logs/blobs/blob-store.ts'
import { openBlobStore } from '../logs/blobs/open-blob-store.ts'
import { createLocalLogStore } from '../logs/local-log-store.ts'
import { encodeMark, encodeOutput, lastWhole } from '../logs/records.ts'

/** Records of some MiB, both streams, no text; and what a reader sees of them. */
function recordFile(mib = 3) {
  const records: Buffer[] = []
  const out: Buffer[] = []
  for (let i = 0; i < mib * 10; i++) {
    const bytes = randomBytes(100_000 + i)
    out.push(bytes)
    records.push(...encodeOutput(i % 3 === 2 ? 'stderr' : 'stdout', 1_700_000_000_000 + i, bytes))
    if (i % 10 === 5) records.push(encodeMark(1_700_000_000_000 + i, { kind: 'truncated', bytes: i }))
  }
  return { file: Buffer.concat(records), out: Buffer.concat(out) }
}

const upTo = (file: Buffer, most: number): Buffer => file.subarray(0, lastWhole(file.subarray(0, most)))

/** Follows to the end; `offsets` proves that no byte came twice. */
function follow(at: ClusterServer, jobId: string) {
  const seen: Buffer[] = []
  let bytes = 0
  let marks = 0
  const done = (async (): Promise<string> => {
    for await (const event of at.client.followLog({ jobId }) as AsyncIterable<FollowEvent>) {
      if (event.type === 'end') return event.state
      if (event.stream === 'mark') marks += 1
      else {
        if (event.offset !== bytes) throw new Error(`at ${bytes} came a byte of ${event.offset}`)
        bytes += event.bytes.length
        seen.push(event.bytes)
      }
    }
    return 'no end'
  })()
  done.catch(() => {}) // awaited by the test
  return { done, bytes: () => bytes, marks: () => marks, all: () => Buffer.concat(seen) }
}

const bytesOf = async (at: ClusterServer, id: string): Promise<Buffer> => {
  const response = await at.fetch(`/jobs/${id}/logs`)
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return Buffer.from(await response.arrayBuffer())
}

let servers: Cluster
let a: ClusterServer
let b: ClusterServer
beforeAll(async () => {
  servers = await cluster()
  ;[a, b] = [await servers.start('a'), await servers.start('b')]
})
afterAll(() => servers.close())

test('a log is read the same from every server, live and afterwards, and goes with its job wherever it is', async () => {
  const runner = await roamingRunner(a)
  const { file, out } = recordFile()
  await a.client.calls.jobs.submit({ command: ['true'] })
  const { ref, jobId } = await runner.claim(a)
  const before = follow(b, jobId)
  const here = follow(a, jobId)
  await runner.ship(a, ref, upTo(file, 1_000_000), 0, 200_000)
  await until(() => before.bytes() > 500_000, 'output at the other server')
  const during = follow(b, jobId)
  await runner.ship(a, ref, file, 0)
  expect(await runner.finish(a, ref, file.length)).toBe(ReportResult.ACCEPTED)
  for (const follower of [before, here, during, follow(b, jobId)]) {
    expect(await follower.done).toBe('succeeded')
    expect(follower.all().equals(out)).toBe(true)
    expect(follower.marks()).toBe(3)
  }
  expect((await bytesOf(b, jobId)).equals(out)).toBe(true)
  const part = await b.client.readLog({ jobId, stream: 'all', offset: 1_234_567, limit: 77 })
  expect(part.bytes.equals(out.subarray(1_234_567, 1_234_567 + 77))).toBe(true)
  await b.client.calls.jobs.delete({ id: jobId })
  await until(async () => {
    const { rows } = await servers.db.query('select from log_removals')
    return rows.length === 0
  }, 'the removal')
  expect((await b.fetch(`/jobs/${jobId}/logs`)).status).toBe(404)
})

test('a runner that goes to another server ships again; to and fro, nobody misses a byte or sees one twice', async () => {
  const runner = await roamingRunner(a)
  const { file, out } = recordFile()
  await a.client.calls.jobs.submit({ command: ['true'] })
  const { ref, jobId } = await runner.claim(a)
  const followers = [follow(a, jobId), follow(b, jobId)]
  const third = upTo(file, file.length / 3).length
  await runner.append(a, ref, file, 0, third)
  await until(() => followers.every((one) => one.bytes() > 0), 'the first output')
  // The new one has nothing: that is its answer, and it cannot end the log.
  expect(await runner.append(b, ref, file, third, third + 100_000)).toBe(0)
  expect(await runner.finish(b, ref, file.length)).toBe(ReportResult.LOG_INCOMPLETE)
  const most = upTo(file, 2 * third)
  await runner.ship(b, ref, most)
  const back = await runner.append(a, ref, file, most.length, most.length + 100_000)
  expect(back).toBeLessThan(most.length)
  expect(await runner.finish(a, ref, file.length)).toBe(ReportResult.LOG_INCOMPLETE)
  await runner.ship(a, ref, file, 0)
  await runner.append(b, ref, file, file.length, file.length)
  await runner.ship(b, ref, file, 0)
  expect(await runner.finish(b, ref, file.length)).toBe(ReportResult.ACCEPTED)
  for (const follower of [...followers, follow(a, jobId)]) {
    expect(await follower.done).toBe('succeeded')
    expect(follower.all().equals(out)).toBe(true)
  }
  for (const server of [a, b]) expect((await bytesOf(server, jobId)).equals(out)).toBe(true)
}, 40_000)

test('without a shared store a log is away with its server, which is said, and back with it', async () => {
  let c = await servers.start('c')
  const runner = await roamingRunner(c)
  const text = Buffer.from('only on the third\n')
  const [record] = encodeOutput('stdout', 1, text) as [Buffer]
  await a.client.calls.jobs.submit({ command: ['true'] })
  const { ref, jobId } = await runner.claim(c)
  expect(await runner.finish(c, ref, record.length, record)).toBe(ReportResult.ACCEPTED)
  expect((await bytesOf(a, jobId)).toString()).toBe(text.toString())
  await c.stop()
  const gone = await a.fetch(`/jobs/${jobId}/logs`)
  expect([gone.status, await gone.text()]).toEqual([
    503,
    expect.stringMatching(`the log of attempt 1 is on server ${c.name} .*does not answer this server`) as string,
  ])
  await servers.db.query(`update servers set last_seen_at = now() - interval '1 min' where name = $1`, [c.name])
  const away = await a.fetch(`/jobs/${jobId}/logs`)
  expect([away.status, await away.text()]).toEqual([
    503,
    expect.stringContaining(`is on server ${c.name}, which was last heard of 60 s ago`) as string,
  ])
  // Deleted meanwhile: it removes its part when it is back.
  const follower = follow(a, jobId)
  c = await servers.start('c')
  expect(await follower.done).toBe('succeeded')
  expect(follower.all().equals(text)).toBe(true)
  expect((await bytesOf(b, jobId)).toString()).toBe(text.toString())
}, 40_000)

interface SharedStore {
  url: string
  words: RegExp
  away(): Promise<void>
  back(): Promise<void>
  blobs(): Promise<BlobStore>
}

function sharedDirectory(): SharedStore {
  const dir = scratchDir('shared')
  onTestFinished(() => removeScratch(dir))
  const store = join(dir, 'store')
  mkdirSync(store)
  const url = `file://${store}`
  return {
    url,
    words: /unavailable.*log store file:.*is not there: is it mounted/,
    away: async () => renameSync(store, `${store}.away`),
    back: async () => renameSync(`${store}.away`, store),
    blobs: () => openBlobStore(url),
  }
}

async function sharedBucket(): Promise<SharedStore> {
  const server = await s3Server()
  onTestFinished(() => server.close())
  const url = server.url('runyard')
  const words = /unavailable.*log store s3\+http:.*does not answer: ECONNREFUSED/
  return { url, words, away: () => server.away(), back: () => server.back(), blobs: () => openBlobStore(url) }
}

const namesIn = async (blobs: BlobStore): Promise<string[]> => {
  const names: string[] = []
  for await (const { name } of blobs.list()) names.push(name)
  return names
}

test.each([
  ['directory', sharedDirectory],
  ['bucket', sharedBucket],
])(
  'with a shared %s ended logs do not depend on their server; while it is away nothing ends or is lost',
  async (_, make) => {
    const store = await make()
    const sharing = await cluster({ RUNYARD_LOG_STORE: store.url })
    onTestFinished(() => sharing.close())
    const [one, two] = [await sharing.start('one'), await sharing.start('two')]
    const runner = await roamingRunner(one)
    // Several parts of an upload.
    const { file, out } = recordFile(20)
    const text = Buffer.from('short\n')
    const [record] = encodeOutput('stdout', 1, text) as [Buffer]
    for (let i = 0; i < 2; i++) await one.client.calls.jobs.submit({ command: ['true'] })
    const [long, short] = [await runner.claim(one), await runner.claim(one)]
    const follower = follow(two, long.jobId)
    await runner.ship(one, long.ref, file, 0, 1_000_000)
    await store.away()
    await expect(runner.finish(one, long.ref, file.length)).rejects.toThrow(store.words)
    await expect(runner.finish(one, short.ref, record.length, record)).rejects.toThrow(store.words)
    expect((await one.client.calls.jobs.get({ id: long.jobId })).ended_at).toBeNull()
    await store.back()
    expect(await runner.finish(one, long.ref, file.length)).toBe(ReportResult.ACCEPTED)
    expect(await runner.finish(one, short.ref, record.length, record)).toBe(ReportResult.ACCEPTED)
    expect(await follower.done).toBe('succeeded')
    expect(follower.all().equals(out)).toBe(true)
    // Nothing of it is left with the server.
    await until(async () => (await logsIn(one.dataDir)) === 0, 'the copies to go')
    await one.stop()
    expect((await bytesOf(two, long.jobId)).equals(out)).toBe(true)
    expect((await bytesOf(two, short.jobId)).equals(text)).toBe(true)
    await two.client.calls.jobs.delete({ id: long.jobId })
    expect(await namesIn(await store.blobs())).toHaveLength(1)
  },
  60_000,
)

test('a store that cannot be used keeps a server from starting; one that is away does not', async () => {
  const dir = scratchDir('shared')
  onTestFinished(() => removeScratch(dir))
  await expect(servers.start('d', { RUNYARD_LOG_STORE: `file://${dir}/none` })).rejects.toMatchObject({
    code: 'failed_precondition',
    message: `RUNYARD_LOG_STORE: the log store file://${dir}/none is not there: is it mounted?`,
  })
  const bucket = await s3Server()
  onTestFinished(() => bucket.close())
  const refused = servers.start('d', { RUNYARD_LOG_STORE: bucket.url('', 'hunter2') })
  await expect(refused).rejects.toThrow(/refuses us \(SignatureDoesNotMatch\): check KEY:SECRET/)
  await bucket.away()
  const started = await servers.start('d', { RUNYARD_LOG_STORE: bucket.url() })
  await started.stop()
}, 40_000)

async function logsIn(dataDir: string): Promise<number> {
  const store = createLocalLogStore(join(dataDir, 'logs'))
  let count = 0
  for await (const _ of store.list()) count += 1
  await store.close()
  return count
}
