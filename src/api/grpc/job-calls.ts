/** A call of a person to a JobService: who asks, and what is wrong with the request in its own words. */
import { isMessage, type Message } from '@bufbuild/protobuf'
import type { HandlerContext } from '@connectrpc/connect'
import { AppError, isAppError } from '../../lib/app-error.ts'
import { publicIdPattern } from '../../lib/ids.ts'
import type { Ask } from '../../operations/deps.ts'
import { askOfPeer, peerOf } from './peer.ts'

/** Who asks, of a request that holds nothing unknown. */
export function askOf(request: Message, context: HandlerContext): Ask {
  onlyKnownFields(request)
  return askOfPeer(peerOf(context))
}

/**
 * A field that this server does not know would be a wish that it does not hold, such as a limit: gRPC itself would
 * leave it out in silence.
 */
function onlyKnownFields(message: Message, path = ''): void {
  const [unknown] = message.$unknown ?? []
  if (unknown !== undefined) throw wrongField(`${path}${unknown.no}`, 'this server knows no field with this number')
  for (const [name, value] of Object.entries(message)) {
    if (isMessage(value)) onlyKnownFields(value, `${path}${name}.`)
  }
}

/** Problems of fields by the names that the request has for them. */
export async function inWordsOf<T>(fieldName: (field: string) => string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw renamed(error, fieldName)
  }
}

function renamed(error: unknown, fieldName: (field: string) => string): unknown {
  if (!isAppError(error) || error.fields.length === 0) return error
  const { code, message, retryAfterSeconds } = error
  const fields = error.fields.map((problem) => ({ ...problem, field: fieldName(problem.field) }))
  const [before, after] = [error.fields[0]!.field, fields[0]!.field]
  const inWords = message.startsWith(`${before}: `) ? `${after}${message.slice(before.length)}` : message
  return new AppError(code, inWords, { fields, retryAfterSeconds, cause: error })
}

export function wrongField(field: string, message: string): AppError {
  return new AppError('invalid_argument', `${field}: ${message}`, { fields: [{ field, message }] })
}

export function jobIdOf(jobId: string): string {
  if (publicIdPattern.test(jobId)) return jobId
  throw wrongField('job_id', 'must be a job id: 12 characters, 0-9 and a-z')
}
