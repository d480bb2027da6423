/** A small request's body as JSON. */
import type { IncomingMessage } from 'node:http'
import { AppError, isAppError } from '../../lib/app-error.ts'
import { TooLarge } from './answer.ts'

/** Of everything but outputs, which are streamed. */
export const jsonBytes = 1024 * 1024

export async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > jsonBytes) throw new TooLarge('resource_exhausted', `a request has at most ${jsonBytes} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** A whole number that does not come back as it went is no number that a script can count on. */
function exactly(_name: string, value: unknown): unknown {
  if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)) return value
  throw new AppError('invalid_argument', `${value} is too large a number to be kept exactly: give it as text`)
}

export async function jsonOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const text = (await bytesOf(request)).toString()
  try {
    const value = JSON.parse(text === '' ? '{}' : text, exactly) as unknown
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (error) {
    if (isAppError(error)) throw error
  }
  throw new AppError('invalid_argument', 'the body must be a JSON object')
}
