import { expect, test } from 'vitest'
import type { ServerMessage, Topic } from '../../lib/live.ts'
import { LogFeed } from './log-feed.ts'

function startFeed(more: { attempt?: number; offset?: number } = {}) {
  let topic: () => Topic | null = () => null
  let deliver: (message: ServerMessage) => void = () => {}
  let stopped = false
  const live = {
    subscribe(ask: () => Topic | null, onMessage: (message: ServerMessage) => void) {
      topic = ask
      deliver = onMessage
      return () => {
        stopped = true
      }
    },
  }
  const feed = new LogFeed({ jobId: 'abcdefghijkl', stream: 'all', offset: 0, live, ...more })
  feed.start()
  const log = (attempt: number, offset: number, text: string) =>
    deliver({
      type: 'log',
      sub: '1',
      attempt,
      stream: 'stdout',
      offset,
      time: 1,
      data: Buffer.from(text).toString('base64'),
    })
  const texts = () => {
    const { buffer } = feed.snapshot()
    return Array.from({ length: buffer.length }, (_, i) => buffer.at(i)?.text)
  }
  return { feed, log, texts, asked: () => topic(), deliver: (m: ServerMessage) => deliver(m), stopped: () => stopped }
}

test('asks for the newest attempt; after a break for the rest of the attempt it was in', () => {
  const { asked, log } = startFeed()
  expect(asked()).toEqual({ topic: 'log', job_id: 'abcdefghijkl', stream: 'all' })
  log(2, 0, 'äb\n')
  expect(asked()).toMatchObject({ attempt: 2, onward: true, offset: 4 })
})

test('a retry starts a new log', () => {
  const { log, texts } = startFeed()
  log(1, 0, 'first try\n')
  log(2, 0, 'second try\n')
  expect(texts()).toEqual(['second try'])
})

test('a log read from its middle begins at the next whole line', () => {
  const { log, texts, asked } = startFeed({ attempt: 1, offset: 100 })
  expect(asked()).toMatchObject({ attempt: 1, onward: false, offset: 100 })
  log(1, 100, 'tail of a line')
  log(1, 114, ', its end\nwhole line\n')
  expect(texts()).toEqual(['whole line'])
})

test('at the end the last line is complete and nothing is asked any more', () => {
  const { deliver, log, texts, feed, stopped, asked } = startFeed()
  log(1, 0, 'no newline')
  deliver({ type: 'log_end', sub: '1', attempt: 1, state: 'succeeded' })
  expect(texts()).toEqual(['no newline'])
  expect(feed.snapshot().state).toBe('ended')
  expect(stopped()).toBe(true)
  expect(asked()).toBeNull()
})

test('watchers hear of many pieces once', async () => {
  const { feed, log } = startFeed()
  let heard = 0
  await new Promise<void>((resolve) => {
    feed.watch(() => {
      heard++
      resolve()
    })
    for (let i = 0; i < 100; i++) log(1, i * 2, 'x\n')
  })
  expect(heard).toBe(1)
  expect(feed.snapshot().buffer.length).toBe(100)
})

test('a mark is shown as a note, the newest count only, and moves no offset', () => {
  const { deliver, log, texts, asked } = startFeed({ attempt: 1 })
  log(1, 0, 'kept\n')
  const mark = (bytes: number) =>
    deliver({
      type: 'log',
      sub: '1',
      attempt: 1,
      stream: 'mark',
      offset: 5,
      time: 2,
      data: btoa(JSON.stringify({ kind: 'truncated', bytes })),
    })
  mark(1024)
  mark(4096)
  expect(texts()).toEqual(['kept', 'The output limit is reached; 4 KiB were not kept.'])
  expect(asked()).toMatchObject({ offset: 5 })
})
