/** A database whose way can be cut and opened again: a proxy of its unix socket. */
import { mkdirSync, rmSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'

export interface BreakableDatabase {
  url: string
  /** `refuse`: connections break and none is made. `hang`: they stay open and say nothing. */
  cut(how: 'refuse' | 'hang'): Promise<void>
  open(): Promise<void>
  close(): Promise<void>
}

export async function breakableDatabase(url: string, dir: string): Promise<BreakableDatabase> {
  // A URL with a socket directory has no host, which URL refuses: postgresql://user:word@/name?host=/dir
  const target = new URL(url.replace('@/', '@unix/'))
  const port = target.port || '5432'
  const host = target.searchParams.get('host') ?? target.hostname
  const upstream = host.startsWith('/') ? { path: join(host, `.s.PGSQL.${port}`) } : { host, port: Number(port) }
  mkdirSync(dir, { recursive: true })
  const socketPath = join(dir, `.s.PGSQL.${port}`)
  const pairs = new Set<[net.Socket, net.Socket]>()
  let server: net.Server | undefined
  let hanging = false

  const join2 = (near: net.Socket): void => {
    const far = net.connect(upstream as net.NetConnectOpts)
    const pair: [net.Socket, net.Socket] = [near, far]
    pairs.add(pair)
    const end = (): void => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    near.on('error', end).on('close', end)
    far.on('error', end).on('close', end)
    if (hanging) return
    near.pipe(far)
    far.pipe(near)
  }
  const database: BreakableDatabase = {
    url: `${target.protocol}//${target.username}:${target.password}@/${target.pathname.slice(1)}?host=${encodeURIComponent(dir)}&port=${port}`,
    async cut(how) {
      if (how === 'hang') {
        hanging = true
        for (const [near, far] of pairs) {
          near.unpipe(far)
          far.unpipe(near)
        }
        return
      }
      const closed = new Promise((resolve) => server?.close(resolve))
      for (const pair of pairs) pair[0].destroy()
      await closed
      server = undefined
    },
    async open() {
      hanging = false
      for (const pair of pairs) pair[0].destroy()
      if (server !== undefined) return
      rmSync(socketPath, { force: true })
      server = net.createServer(join2)
      await new Promise<void>((resolve) => server?.listen(socketPath, resolve))
    },
    async close() {
      if (server !== undefined) await database.cut('refuse')
    },
  }
  await database.open()
  return database
}
