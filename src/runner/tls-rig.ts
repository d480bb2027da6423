/** Test fixture: an authority, servers that show its certificates, and a runner's own in files. */
import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { SecureServerOptions } from 'node:http2'
import { createAuthority, type Authority } from '../x509/authority.ts'
import { issue } from '../x509/issue.ts'
import { generateKeyPair } from '../x509/key-pair.ts'
import { createRequest } from '../x509/request.ts'
import type { CertificateRole } from '../x509/roles.ts'
import { filesIn, type NewCredentials } from './identity-files.ts'
import type { CredentialFiles } from './server-address.ts'

export interface TlsRig {
  issue(role: CertificateRole, name: string, times?: { now?: Date; notAfter?: Date }): Promise<NewCredentials>
  /** What a server listens with. */
  serverOptions(hosts?: string[]): Promise<SecureServerOptions>
  /** A runner's files in a new directory. */
  runnerFiles(dir: string, name?: string): Promise<CredentialFiles>
}

export async function tlsRig(authority?: Authority): Promise<TlsRig> {
  const ca = authority ?? (await createAuthority({ name: 'test', years: 1 }))
  const rig: TlsRig = {
    async issue(role, name, { now, notAfter = new Date(Date.now() + 3_600_000) } = {}) {
      const keys = await generateKeyPair()
      const { certificatePem } = await issue(ca, {
        ...{ request: await createRequest(keys, name), name, role, notAfter, now },
        ...{ uri: `runyard:certificate:${randomUUID()}`, hosts: role === 'server' ? name.split(',') : [] },
      })
      return { certificatePem, privateKeyPem: keys.privateKeyPem, authoritiesPem: ca.certificatePem }
    },
    async serverOptions(hosts = ['127.0.0.1', 'localhost']) {
      const { certificatePem: cert, privateKeyPem: key } = await rig.issue('server', hosts.join(','))
      return { cert, key, ca: ca.certificatePem, requestCert: true, minVersion: 'TLSv1.3' }
    },
    async runnerFiles(dir, name = 'r') {
      const files = filesIn(dir)
      const made = await rig.issue('runner', name)
      await mkdir(dir, { recursive: true })
      await writeFile(files.cert, made.certificatePem)
      await writeFile(files.key, made.privateKeyPem)
      await writeFile(files.ca, made.authoritiesPem)
      return files
    },
  }
  return rig
}

/** A way to a server that can be blocked: bytes vanish, and no end of the line says so. */
export async function blockableWay(port: number) {
  let blocked = false
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    connections += 1
    const far = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('data', (bytes) => void (blocked || other.write(bytes)))
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        if (!blocked) other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    block: (value: boolean) => void (blocked = value),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
