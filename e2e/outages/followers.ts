/** Those who follow a log while parts of the product die: the command line and a client of the WebSocket. */
import assert from 'node:assert/strict'
import { createApiClient } from '../../src/api/client.ts'
import { exited, logOf, until } from '../system.ts'
import type { Rig } from './rig.ts'

export interface Followers {
  /** When the log has ended for all of them: each saw exactly the bytes that are stored. */
  assertComplete(): Promise<void>
}

export async function followers(rig: Rig, jobId: string): Promise<Followers> {
  const cli = rig.system.spawn(['log', '-f', jobId])
  const printed: Buffer[] = []
  const complaints: Buffer[] = []
  cli.stdout?.on('data', (bytes: Buffer) => printed.push(bytes))
  cli.stderr?.on('data', (bytes: Buffer) => complaints.push(bytes))
  const client = createApiClient({ baseUrl: rig.system.url, token: await rig.localToken() })
  const received: Buffer[] = []
  const followed = (async () => {
    let next = 0
    for await (const event of client.followLog({ jobId })) {
      if (event.type === 'end') return event.state
      if (event.stream === 'mark') continue
      assert.equal(event.offset, next, 'the next byte is not the next')
      next += event.bytes.length
      received.push(event.bytes)
    }
    return undefined
  })()
  followed.catch(() => {})
  // A command that begins only when the server is gone would start one of its own.
  await until('the first bytes', async () => printed.length > 0 && received.length > 0, 60_000)
  return {
    async assertComplete() {
      assert.equal(await followed, 'succeeded')
      assert.equal(await exited(cli), 0, Buffer.concat(complaints).toString())
      const stored = (await logOf(rig.system, jobId)).toString()
      assert.equal(Buffer.concat(received).toString(), stored)
      assert.equal(Buffer.concat(printed).toString(), stored)
    },
  }
}
