import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { TooLarge } from './answer.ts'
import { serveHelpers } from './serve.ts'

test('a refusal does not cut off a sender in the middle of its body', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'ry-'))
  const hash = createHash('sha256').update('t').digest('hex')
  const server = await serveHelpers(join(dir, 'socket'), hash, async () => {
    throw new TooLarge('resource_exhausted', 'too much')
  })
  const client = createConnection(join(dir, 'socket'))
  const piece = Buffer.alloc(1024 ** 2)
  const head = ['PUT /v1/output HTTP/1.1', 'Host: runyard', 'Authorization: Bearer t', 'Connection: close']
  client.write(`${[...head, `Content-Length: ${3 * piece.length}`].join('\r\n')}\r\n\r\n`)
  client.write(piece)
  let told = ''
  client.on('data', (bytes: Buffer) => (told += bytes.toString()))
  await once(client, 'data')
  // With an error here its sender would take the runner for gone, and try again.
  for (let left = 2; left > 0; left--) await new Promise((sent) => client.write(piece, sent))
  await once(client, 'end')
  expect(told).toMatch(/^HTTP\/1.1 413 [^]*too much"}}\n$/)
  client.destroy()
  await server.close()
  rmSync(dir, { recursive: true })
})
