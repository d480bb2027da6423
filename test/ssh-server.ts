/** An SSH server inside the test: host keys of its own, one user with a password, a shell that gives back what it gets. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import crypto from 'node:crypto'
import ssh2 from 'ssh2'

export interface TestSshServer {
  port: number
  keys: { type: string; fingerprint: string }[]
  /** As in known_hosts. */
  knownHosts: string
  /** Of the terminals that were opened, newest last: `80x24`. */
  windows: string[]
  close(): Promise<void>
}

export const sshUser = 'deploy'

export interface SshServerOptions {
  password: string
  port?: number
  /** Bytes that each shell begins with. */
  greeting?: Buffer
}

export async function testSshServer({ password, port = 0, greeting }: SshServerOptions): Promise<TestSshServer> {
  const pairs = [ssh2.utils.generateKeyPairSync('ed25519'), ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 })]
  const windows: string[] = []
  const clients = new Set<{ end(): void }>()
  const server = new ssh2.Server({ hostKeys: pairs.map((pair) => pair.private) }, (client) => {
    clients.add(client)
    client.on('error', () => {}).on('close', () => clients.delete(client))
    client.on('authentication', (asked) => {
      if (asked.method === 'password' && asked.username === sshUser && asked.password === password) asked.accept()
      else asked.reject(['password'])
    })
    client.on('session', (accept) => {
      const session = accept()
      session.on('pty', (acceptPty, _reject, { cols, rows }) => {
        windows.push(`${cols}x${rows}`)
        acceptPty()
      })
      session.on('window-change', (acceptChange, _reject, { cols, rows }) => {
        windows.push(`${cols}x${rows}`)
        acceptChange?.()
      })
      session.on('shell', (acceptShell) => {
        const channel = acceptShell()
        if (greeting) channel.write(greeting)
        channel.on('data', (bytes: Buffer) => {
          if (bytes.toString() !== 'exit\r') return void channel.write(bytes)
          channel.exit(3)
          channel.end()
        })
      })
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  const publics = pairs.map((pair) => pair.public.split(' '))
  return {
    port: address.port,
    keys: publics.map(([type, blob]) => ({ type: type!, fingerprint: fingerprintOf(blob!) })),
    knownHosts: publics.map(([type, blob]) => `[127.0.0.1]:${address.port} ${type} ${blob} somebody\n`).join(''),
    windows,
    async close() {
      for (const client of clients) client.end()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

const fingerprintOf = (blob: string): string =>
  `SHA256:${crypto.hash('sha256', Buffer.from(blob, 'base64'), 'base64').replace(/=+$/, '')}`
