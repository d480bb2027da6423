import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createForeword } from './foreword.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function rig(prefixes = ['bwrap: ']) {
  const released: string[] = []
  let runs = false
  const foreword = createForeword({
    prefixes,
    commandRuns: () => runs,
    onReleased: (bytes) => void released.push(bytes.toString()),
  })
  return {
    foreword,
    released,
    run: () => void (runs = true),
    take: (text: string): string | undefined => foreword.take(Buffer.from(text))?.toString(),
  }
}

test('what cannot be theirs passes at once, and everything behind it', () => {
  const { take } = rig()
  expect(take('bw')).toBeUndefined()
  expect(take('indow')).toBe('bwindow')
  expect(take('bwrap: x')).toBe('bwrap: x')
  expect(rig([]).take('bwrap: x')).toBe('bwrap: x')
})

test('what could be is held to the end, and is then known as a reason or given out', () => {
  const { take, foreword } = rig()
  expect(take('bwrap: cannot')).toBeUndefined()
  expect(foreword.words()).toBe('bwrap: cannot')
  expect(foreword.release().toString()).toBe('bwrap: cannot')
  expect(foreword.release().length).toBe(0)
})

test('a command that runs by now gets its words without saying more', () => {
  const { take, released, run } = rig()
  take('bwrap: a ')
  take('prompt')
  vi.advanceTimersByTime(1000)
  expect(released).toEqual([])
  run()
  vi.advanceTimersByTime(250)
  expect(released).toEqual(['bwrap: a prompt'])
  expect(take('bwrap: b')).toBe('bwrap: b')
  expect(vi.getTimerCount()).toBe(0)
})

test('nobody waits longer than ten seconds', () => {
  const { take, released } = rig()
  take('bwrap: still building')
  vi.advanceTimersByTime(9500)
  expect(released).toEqual([])
  vi.advanceTimersByTime(1000)
  expect(released).toEqual(['bwrap: still building'])
})
