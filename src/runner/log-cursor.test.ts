import { expect, test } from 'vitest'
import { afterAnswer, newCursor, pick, sent, settle, wants, type Cursor, type Part } from './log-cursor.ts'

const gib = 1024 ** 3
const fileOf = (length: number) => ({ length: () => length, read: async () => 0 })

/** As after so many bytes that were accepted. */
function cursorAt(next: number, length: number): Cursor {
  const cursor = newCursor({ jobKey: '1', number: 1, token: '1' }, fileOf(length), () => {})
  Object.assign(cursor, { next, accepted: next, begun: true })
  return cursor
}

const send = (cursor: Cursor): Part => {
  const [part] = pick(new Set([cursor]))
  if (part === undefined) throw new Error('nothing to send')
  sent(part, part.length)
  return part
}

test('a server that has nothing of a log of gigabytes gets it from the first byte, and no byte is left out', () => {
  const cursor = cursorAt(4 * gib, 5 * gib)
  let resolved = false
  cursor.waiting.push({ length: 5 * gib, resolve: () => (resolved = true) })
  const parts = [send(cursor), send(cursor)]
  expect(wants(cursor)).toBe(false)
  for (const part of parts) {
    cursor.underWay--
    settle(cursor, part.offset + part.length, { accepted: 0, stale: false })
    afterAnswer(cursor)
  }
  expect([cursor.next, cursor.accepted]).toEqual([0, 0])
  let expected = 0
  while (wants(cursor)) {
    const part = send(cursor)
    expect(part.offset).toBe(expected)
    expected = part.offset + part.length
    expect(resolved).toBe(false)
    cursor.underWay--
    settle(cursor, expected, { accepted: expected, stale: false })
    afterAnswer(cursor)
  }
  expect(expected).toBe(5 * gib)
  expect(resolved).toBe(true)
})

test('of two answers the lower place counts, whichever comes first', () => {
  for (const [first, second] of [
    [0, gib],
    [gib, 0],
  ] as const) {
    const cursor = cursorAt(2 * gib, 3 * gib)
    const parts = [send(cursor), send(cursor)]
    for (const [i, accepted] of [first, second].entries()) {
      cursor.underWay--
      settle(cursor, parts[i]!.offset + parts[i]!.length, { accepted, stale: false })
      afterAnswer(cursor)
    }
    expect(cursor.next).toBe(0)
  }
})
