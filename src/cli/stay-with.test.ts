import { expect, test } from 'vitest'
import type { Connection } from './connect.ts'
import { stayWith } from './stay-with.ts'

/** A server of this machine whose end and trouble the test decides; `next` takes its place. */
function server(name: string, next?: () => Connection | Promise<Connection>) {
  const ended = Promise.withResolvers<void>()
  const troubled = Promise.withResolvers<string>()
  let closed = 0
  const connection = {
    client: { calls: name },
    local: { closed: ended.promise, trouble: troubled.promise },
    rejoin: async () => next?.(),
    close: async () => void (closed += 1),
  } as unknown as Connection
  return { connection, end: ended.resolve, trouble: troubled.resolve, closed: () => closed }
}
const turns = () => new Promise((resolve) => setImmediate(resolve))

test('goes from server to server as they end, and leaves the last; the first is its caller’s', async () => {
  const third = server('third')
  const second = server('second', () => third.connection)
  const first = server('first', () => second.connection)
  const companion = stayWith(first.connection, 1)
  const seen: unknown[] = [companion.calls()]
  for (const each of [first, second]) {
    each.end()
    await turns()
    seen.push(companion.calls())
  }
  expect(seen).toEqual(['first', 'second', 'third'])
  await companion.leave()
  expect([first, second, third].map((each) => each.closed())).toEqual([0, 0, 1])
})

test('none comes, or the runner does not start: it is of no use to wait', async () => {
  const alone = server('alone')
  const { lost } = stayWith(alone.connection, 1)
  alone.end()
  await expect(lost).rejects.toThrow('the server ended, and none came after it')
  const broken = server('broken')
  const { lost: hopeless } = stayWith(broken.connection, 1)
  broken.trouble('the runner does not start')
  await expect(hopeless).rejects.toThrow('the runner does not start')
})

test('who has left joins nobody: one that was found meanwhile is left again', async () => {
  const late = server('late')
  const found = Promise.withResolvers<Connection>()
  const first = server('first', () => found.promise)
  const { leave, calls } = stayWith(first.connection, 1)
  first.end()
  await turns()
  await leave()
  found.resolve(late.connection)
  await turns()
  expect([calls(), late.closed()]).toEqual(['first', 1])
})
