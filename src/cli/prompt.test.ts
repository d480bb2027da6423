import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, test, vi, type MockInstance } from 'vitest'
import { agreed, refuseUnasked } from './prompt.ts'

let stderr: MockInstance
beforeEach(() => void (stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)))
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

/** A person at a terminal who types this line. */
function types(line: string): void {
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(stdin as unknown as typeof process.stdin)
  stdin.write(`${line}\n`)
}
const asksNobody = (): never => {
  throw new Error('asked')
}

test.each(['y', 'Y', 'yes', ' YES '])('%j is a yes', async (line) => {
  types(line)
  expect(await agreed(undefined, () => 'Delete it?')).toBe(true)
  expect(process.exitCode).toBeUndefined()
  expect(stderr.mock.calls.join('')).toContain('Delete it? [y/N] ')
})

test.each(['', 'n', 'no', 'yesterday', 'j'])('%j is a no, and the exit code says so', async (line) => {
  types(line)
  expect(await agreed(undefined, () => 'Delete it?')).toBe(false)
  expect(process.exitCode).toBe(1)
})

test('--yes asks nobody; without a terminal it is what to type', async () => {
  expect(await agreed(true, asksNobody)).toBe(true)
  const noTerminal = Object.assign(new PassThrough(), { isTTY: false })
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(noTerminal as unknown as typeof process.stdin)
  expect(() => refuseUnasked(undefined, 'runyard batch rm x')).toThrow(
    'no terminal to ask on: runyard batch rm x --yes',
  )
  expect(() => refuseUnasked(true, 'runyard batch rm x')).not.toThrow()
})
