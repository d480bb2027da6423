/** GET of the input: from its file when it is small, else from the server, never in memory as a whole. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { answerNothing } from './answer.ts'
import type { Desk } from './desk.ts'

export interface SmallInput {
  path: string
  type: string
}

interface Found {
  type: string
  size: number
  body: Readable
}

/** `small`: the file, if that is how it came. */
export async function giveInput(
  request: IncomingMessage,
  response: ServerResponse,
  desk: Desk,
  small: SmallInput | null,
): Promise<void> {
  const from = beginningOf(request.headers.range)
  const found = small === null ? await fromServer(desk, from) : await fromFile(small, from)
  if (found === null) return answerNothing(response)
  const { type, size, body } = found
  if (from > 0 && from >= size) {
    body.destroy()
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end()
    return
  }
  const part = from === 0 ? {} : { 'content-range': `bytes ${from}-${size - 1}/${size}` }
  const length = { 'content-length': size - from, 'accept-ranges': 'bytes' }
  response.writeHead(from === 0 ? 200 : 206, { 'content-type': type, ...length, ...part })
  if (request.method === 'HEAD') {
    body.destroy()
    response.end()
    return
  }
  await pipeline(body, response)
}

/** Only `bytes=N-`: what a client asks for that was cut off. Anything else gets all of it, as HTTP allows. */
const beginningOf = (range: string | undefined): number => Number(/^bytes=(\d{1,15})-$/.exec(range ?? '')?.[1] ?? 0)

async function fromServer(desk: Desk, from: number): Promise<Found | null> {
  const input = await desk.openInput(from)
  return input === null ? null : { ...input, body: Readable.from(input.body, { objectMode: false }) }
}

async function fromFile({ path, type }: SmallInput, from: number): Promise<Found> {
  const file = await open(path)
  const { size } = await file.stat()
  await file.close()
  return { type, size, body: createReadStream(path, { start: from }) }
}
