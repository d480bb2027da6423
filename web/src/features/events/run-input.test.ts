import { expect, test } from 'vitest'
import { base64, inputProblem, largestFile, noInput, sentInput } from './run-input.ts'

const file = (bytes: number) => new File([new Uint8Array(bytes)], 'a.bin')

test('a file is sent with all its bytes and its type', async () => {
  const bytes = Uint8Array.from({ length: 40_000 }, (_, i) => i % 256)
  expect(base64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
  const given = { ...noInput, from: 'file' as const, file: new File([bytes], 'a.csv'), type: 'text/csv' }
  expect(await sentInput(given)).toEqual({ input_base64: base64(bytes), input_type: 'text/csv' })
  expect(await sentInput({ ...given, type: ' ' })).toMatchObject({ input_type: 'application/octet-stream' })
})

test('the largest file is what the API takes', () => {
  const of = (bytes: number) => inputProblem({ ...noInput, from: 'file', file: file(bytes) })
  expect(base64(new Uint8Array(largestFile))).toHaveLength(1_398_104)
  expect(of(largestFile)).toBeUndefined()
  expect(of(largestFile + 1)).toContain('1 MiB')
  expect(of(0)).toBe('is empty')
  expect(inputProblem({ ...noInput, from: 'file' })).toContain('is required')
})

test('JSON is sent as what it says, nothing as nothing', async () => {
  expect(await sentInput({ ...noInput, text: '{"a": null}' })).toEqual({ input: { a: null } })
  expect(await sentInput({ ...noInput, text: 'null' })).toEqual({ input: null })
  expect(await sentInput(noInput)).toEqual({})
  expect(inputProblem({ ...noInput, text: '{' })).toContain('is no JSON')
})
