import { expect, test } from 'vitest'
import type { Job } from '../../../lib/api.ts'
import type { ServerMessage } from '../../../lib/live.ts'
import { sampleMember } from '../sample.ts'
import { MemberStore } from './member-store.ts'

type Page = { jobs: Job[]; next_cursor: string | null }

/** A server of two pages whose answers the test lets go one by one. */
function world(pages: Page[]) {
  const asked: { cursor: string | undefined; failedOnly: boolean; answer: (page?: Page) => void; fail: () => void }[] =
    []
  const wakes: (() => void)[] = []
  let send: (message: ServerMessage) => void = () => {}
  const store = new MemberStore({
    batchId: 'batch0000001',
    gatherMs: 1,
    readPage: (cursor, failedOnly) =>
      new Promise((resolve, reject) => {
        const page = failedOnly ? { jobs: [], next_cursor: null } : pages[Number(cursor ?? 0)]!
        asked.push({
          cursor,
          failedOnly,
          answer: (other) => resolve(other ?? page),
          fail: () => reject(new Error('away')),
        })
        wakes.splice(0).forEach((wake) => wake())
      }),
    live: {
      subscribe: (_topic, onMessage) => {
        send = onMessage
        return () => {}
      },
    },
  })
  store.start()
  const askedCount = async (n: number) => {
    while (asked.length < n) await new Promise<void>((wake) => wakes.push(wake))
    return asked[n - 1]!
  }
  const changed = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => holds() && (stop(), resolve())
      const stop = store.watch(look)
      look()
    })
  const names = () => store.snapshot().members.map(({ name, status }) => `${name} ${status}`)
  return { store, send: (message: ServerMessage) => send(message), asked, askedCount, changed, names }
}

const subscribed = { type: 'subscribed', sub: '1' } as const
const news = (job: Job) => ({ type: 'job', sub: '1', job }) as unknown as ServerMessage
const passed = (index: number) => sampleMember(index, { status: 'passed', state: 'succeeded' })
const twoPages = [
  { jobs: [sampleMember(3), sampleMember(2)], next_cursor: '1' },
  { jobs: [sampleMember(1), sampleMember(0)], next_cursor: null },
]

async function readAll({ askedCount, changed, store }: ReturnType<typeof world>) {
  for (let n = 1; n <= 3; n++) (await askedCount(n)).answer()
  await changed(() => store.snapshot().complete)
}

test('reads the failed ones first, then all pages, and gives them in the order of the batch', async () => {
  const w = world(twoPages)
  w.send(subscribed)
  await readAll(w)
  expect(w.asked.map(({ cursor, failedOnly }) => [cursor, failedOnly])).toEqual([
    [undefined, true],
    [undefined, false],
    ['1', false],
  ])
  expect(w.names()).toEqual(['test 0 waiting', 'test 1 waiting', 'test 2 waiting', 'test 3 waiting'])
})

test('what the live connection told during a reading is not undone by an older page', async () => {
  const w = world(twoPages)
  w.send(subscribed)
  ;(await w.askedCount(1)).answer()
  const page = await w.askedCount(2)
  w.send(news(passed(3)))
  page.answer()
  ;(await w.askedCount(3)).answer()
  await w.changed(() => w.store.snapshot().complete)
  expect(w.names()).toContain('test 3 passed')
})

test('many changes are one update, which reads nothing', async () => {
  const w = world(twoPages)
  w.send(subscribed)
  await readAll(w)
  let updates = 0
  w.store.watch(() => updates++)
  for (const index of [0, 1, 2]) w.send(news(passed(index)))
  w.send({ type: 'job_gone', sub: '1', job_id: sampleMember(3).id })
  await w.changed(() => w.names().length === 3)
  expect(w.names()).toEqual(['test 0 passed', 'test 1 passed', 'test 2 passed'])
  expect(updates).toBe(1)
  expect(w.asked).toHaveLength(3)
})

test('after a break it reads again, and drops who is no longer there', async () => {
  const w = world(twoPages)
  w.send(subscribed)
  await readAll(w)
  w.send(subscribed)
  ;(await w.askedCount(4)).answer({ jobs: [passed(0)], next_cursor: null })
  await w.changed(() => w.names().length === 1)
  expect(w.names()).toEqual(['test 0 passed'])
})

test('a reading that fails is said, and can be tried again', async () => {
  const w = world(twoPages)
  w.send(subscribed)
  ;(await w.askedCount(1)).fail()
  await w.changed(() => w.store.snapshot().error !== null)
  w.store.read()
  ;(await w.askedCount(2)).answer()
  ;(await w.askedCount(3)).answer()
  ;(await w.askedCount(4)).answer()
  await w.changed(() => w.store.snapshot().complete)
  expect(w.store.snapshot().error).toBeNull()
})
