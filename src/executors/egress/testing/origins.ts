/** For tests: servers of this machine, a name server of our own, and a way out to them. */
import type { lookup } from 'node:dns'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { socketName } from '../protocol.ts'
import { openProxy } from '../proxy.ts'

const names: Record<string, string[]> = {
  'inside.test': ['127.0.0.1'],
  'both.test': ['93.184.216.34', '127.0.0.1'],
  'mapped.test': ['::ffff:127.0.0.1'],
  'elsewhere.test': ['127.0.0.1'],
  'metadata.test': ['169.254.169.254'],
  'six.test': ['::1'],
}

export const listen = async (server: Server, host = '127.0.0.1'): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return (server.address() as AddressInfo).port
}

type Answer = (asked: IncomingMessage, res: ServerResponse) => void
export const plainly: Answer = (_, res) => void res.end('origin')

export async function createOrigins() {
  const dir = mkdtempSync(join(tmpdir(), 'runyard-egress-'))
  const state = {
    /** Names that were looked up. */
    asked: [] as string[],
    got: [] as { line: string; headers: string[]; body: string }[],
    /** What the other server heard. */
    raw: [] as Buffer[],
    answer: plainly,
  }
  const lookUp = ((host: string, _options: unknown, done: (...args: unknown[]) => void) => {
    state.asked.push(host)
    const found = names[host]
    if (found === undefined) return done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
    done(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }) as typeof lookup
  const web = createHttp((req, res) => {
    const parts: Buffer[] = []
    req.on('data', (part: Buffer) => parts.push(part))
    req.on('end', () => {
      const body = Buffer.concat(parts).toString()
      state.got.push({ line: `${req.method} ${req.url}`, headers: req.rawHeaders, body })
      state.answer(req, res)
    })
  })
  /** Says what it hears, and a word when the other has ended. */
  const echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      state.raw.push(bytes)
      socket.write(bytes)
    })
    socket.on('end', () => socket.end('over'))
  })
  const port = await listen(web)
  const rawPort = await listen(echo)
  const open = [`127.0.0.1:${port}`, `127.0.0.1:${rawPort}`]
  const both = ['inside', 'both', 'mapped', 'metadata', 'unknown'].map((name) => `${name}.test:${port}`)
  const proxy = await openProxy({
    dir: join(dir, 'a'),
    list: [...open, ...both, `only-job.test:${port}`],
    allow: [...open, ...both, `*.admin.test:${port}`],
    lookup: lookUp,
  })
  return {
    ...{ dir, port, rawPort, state, lookUp, socket: join(dir, 'a', socketName) },
    async close() {
      await proxy.close()
      web.close()
      echo.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** What comes back until the other side ends, or until it is enough. */
export function sayTo(
  path: string,
  words: string | Buffer,
  { end = false, enough }: { end?: boolean; enough?: (heard: string) => boolean } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: true })
    let heard = ''
    socket.on('error', reject)
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1')
      if (enough?.(heard)) socket.destroy()
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(heard))
    socket.write(words)
    if (end) socket.end()
  })
}
