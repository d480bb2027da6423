/** The frequent calls of runners, which do not go through the library's handler. */
import { Code, ConnectError, createContextValues } from '@connectrpc/connect'
import { expect, test } from 'vitest'
import { RunnerService } from './gen/runyard/runner/v1/runner_pb.js'
import { unaryCall } from './unary-calls.ts'
import { ourWordsFor, tooLarge } from './unreadable.ts'

test('what is no message is refused in words, and no defect', async () => {
  const claim = unaryCall(RunnerService.method.claim, () => Promise.reject(new Error('it was read')))
  const context = { signal: new AbortController().signal, values: createContextValues() }
  const said = async (bytes: number[]) =>
    claim.answer(Buffer.from(bytes), context).catch((error: unknown) => {
      const { code, rawMessage } = ConnectError.from(error)
      return [code, rawMessage]
    })
  const words = (what: string) => [Code.InvalidArgument, `the message is no ClaimRequest: ${what}`]
  expect(await said([0xff, 0xff, 0xff])).toEqual(words('its bytes cannot be read as one'))
  expect(await said([0x0a, 2, 0xc3, 0x28])).toEqual(words('a text in it is not UTF-8'))
})

test('limits are said as people count them; what an operation said stays', () => {
  expect(tooLarge(64 * 1024 * 1024).rawMessage).toBe('a message has at most 64 MiB')
  expect(tooLarge(16_000).rawMessage).toBe('a message has at most 16000 bytes')
  expect(ourWordsFor('name: must not be empty', RunnerService.method.claim.input)).toBeUndefined()
})
