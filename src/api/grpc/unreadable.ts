/** A request that is too large or no such message: in our words, where the library has its own and calls it a defect. */
import type { DescMessage } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'

export function tooLarge(mostBytes: number): ConnectError {
  const limit = mostBytes >= 1024 * 1024 ? `${mostBytes / 1024 / 1024} MiB` : `${mostBytes} bytes`
  return new ConnectError(`a message has at most ${limit}`, Code.ResourceExhausted)
}

export function notSuchMessage(input: DescMessage, parserSays: string): ConnectError {
  const what = /utf-?8/i.test(parserSays) ? 'a text in it is not UTF-8' : 'its bytes cannot be read as one'
  return new ConnectError(`the message is no ${input.name}: ${what}`, Code.InvalidArgument)
}

/** What the library said of a request that it could not read; undefined when that may stay. */
export function ourWordsFor(librarySays: string, input: DescMessage): ConnectError | undefined {
  const limit = /larger than configured readMaxBytes (\d+)/.exec(librarySays)?.[1]
  if (limit !== undefined) return tooLarge(Number(limit))
  const parser = /^parse (?:binary|JSON): (.*)/s.exec(librarySays)?.[1]
  return parser === undefined ? undefined : notSuchMessage(input, parser)
}
