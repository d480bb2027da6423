/** What a server knows and does for the helpers of one attempt, in memory; for tests. */
import type { HelperAnswer, HelperCall } from '../job/helper-protocol.ts'
import type { InputStream } from './control-plane.ts'

export interface FakeHelpers {
  /** `bytes`, or `size` bytes that are made as they are read. */
  input: { type: string; bytes: Buffer } | { type: string; size: number } | null
  calls: HelperCall[]
  variables: Map<string, unknown>
  output?: { type: string; bytes: Buffer } | { type: string; artifact: string }
  condition?: boolean
  progress?: unknown
  messages: unknown[]
  call(call: HelperCall): HelperAnswer
  openInput(): InputStream | null
}

const pieceBytes = 64 * 1024

export function createFakeHelpers(input: FakeHelpers['input']): FakeHelpers {
  const answers = new Map<string, HelperAnswer>()
  const fake: FakeHelpers = {
    input,
    calls: [],
    variables: new Map(),
    messages: [],
    call(call) {
      fake.calls.push(call)
      const before = call.key === undefined ? undefined : answers.get(call.key)
      if (before !== undefined) return before
      const answer = answerTo(fake, call)
      if (call.key !== undefined) answers.set(call.key, answer)
      return answer
    },
    openInput() {
      if (input === null) return null
      const size = sizeOf(input)
      return { type: input.type, size, body: 'bytes' in input ? one(input.bytes) : made(size) }
    },
  }
  return fake
}

const sizeOf = (input: NonNullable<FakeHelpers['input']>): number =>
  'bytes' in input ? input.bytes.length : input.size

async function* one(bytes: Buffer): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
}

async function* made(size: number): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(pieceBytes, 'x')
  for (let left = size; left > 0; left -= pieceBytes) yield piece.subarray(0, Math.min(left, pieceBytes))
}

function answerTo(fake: FakeHelpers, { method, params }: HelperCall): HelperAnswer {
  const { name = '', value, ...rest } = params as { name?: string; value?: unknown } & Record<string, unknown>
  const { variables, input } = fake
  switch (method) {
    case 'event.get': {
      const about = input === null ? null : { type: input.type, bytes: sizeOf(input) }
      return { ok: { id: 'event', name: 'Event', run_id: 'run', input: about } }
    }
    case 'condition.set':
      fake.condition = value as boolean
      return { ok: {} }
    case 'output.set':
      fake.output =
        'base64' in rest
          ? { type: String(rest.type), bytes: Buffer.from(String(rest.base64), 'base64') }
          : { type: String(rest.type), artifact: String(rest.artifact) }
      return { ok: {} }
    case 'variable.get':
      return { ok: variables.has(name) ? { exists: true, value: variables.get(name) } : { exists: false } }
    case 'variable.list':
      return { ok: { names: [...variables.keys()].map((one) => ({ name: one, scope: 'user', secret: false })) } }
    case 'variable.set':
      variables.set(name, value)
      return { ok: { version: 1 } }
    case 'variable.delete':
      return { ok: { existed: variables.delete(name) } }
    case 'variable.increment':
      variables.set(name, Number(variables.get(name) ?? 0) + Number(rest.by ?? 1))
      return { ok: { value: variables.get(name) } }
    case 'variable.append':
      variables.set(name, `${String(variables.get(name) ?? '')}${String(rest.text)}`)
      return { ok: { value: variables.get(name) } }
    case 'progress.set':
      fake.progress = params
      return { ok: {} }
    case 'message.send':
      fake.messages.push(params)
      return { ok: { delivery_id: 'delivery' } }
  }
}
