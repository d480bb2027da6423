import { create, toBinary } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { AppendLogRequestSchema } from '../api/grpc/gen/runyard/runner/v1/runner_pb.js'
import { appendRequest } from './append-request.ts'

const who = { runnerId: '7', session: 'session' }
const ref = (job: number) => ({ jobKey: String(job), number: 1, token: '12' })

test('the pieces together are what the generated encoder makes, for short, long and empty chunks', () => {
  const lengths = [0, 1, 100, 16 * 1024 - 1, 16 * 1024, 300_000, 5, 70_000]
  const chunks = lengths.map((length, i) => ({ ref: ref(i + 1), offset: i * 2 ** 33, bytes: Buffer.alloc(length, i) }))
  const wire = chunks.map((chunk) => ({ ...chunk, offset: BigInt(chunk.offset) }))
  const expected = toBinary(AppendLogRequestSchema, create(AppendLogRequestSchema, { ...who, chunks: wire }))
  expect(Buffer.concat(appendRequest(who, chunks)).equals(expected)).toBe(true)
  const none = toBinary(AppendLogRequestSchema, create(AppendLogRequestSchema, who))
  expect(Buffer.concat(appendRequest(who, [])).equals(none)).toBe(true)
})

test('long chunks are not copied', () => {
  const bytes = Buffer.alloc(100_000)
  const pieces = appendRequest(who, [{ ref: ref(1), offset: 0, bytes }])
  expect(pieces.some((piece) => piece.buffer === bytes.buffer && piece.length === bytes.length)).toBe(true)
})
