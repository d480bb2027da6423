/** A whole server with an authority and its secure gRPC port open; and certificates to call it with. */
import type { DescService } from '@bufbuild/protobuf'
import { createClient, type Client } from '@connectrpc/connect'
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node'
import {
  defaultDays,
  initAuthority,
  issueCertificate,
  revokeCertificate,
  trustedAuthorities,
} from '../src/access/certificates/index.ts'
import { issuingAuthority } from '../src/access/certificates/authorities.ts'
import { ensureKeys } from '../src/access/keys.ts'
import { createSealer, type Sealer } from '../src/access/secrets.ts'
import type { ServerOptions } from '../src/server/server.ts'
import type { Authority } from '../src/x509/authority.ts'
import { generateKeyPair } from '../src/x509/key-pair.ts'
import { createRequest } from '../src/x509/request.ts'
import type { CertificateRole } from '../src/x509/roles.ts'
import { runningServer, type TestServer } from './running-server.ts'
import { until } from './until.ts'

export interface ClientCertificate {
  id: string
  name: string
  cert: string
  key: string
  ca: string
  fingerprint: Buffer
}

export interface SecureServer extends TestServer {
  sealer: Sealer
  /** host:port */
  grpc: string
  grpcPort: number
  /** What clients trust, PEM. */
  ca: string
  /** With its key: for certificates that the product would not issue. */
  authority(): Promise<Authority>
  issue(role: CertificateRole, name?: string, days?: number): Promise<ClientCertificate>
  revoke(certificate: { id: string }): Promise<void>
  /** Rows of the audit log about what a person did, in order: `action result`. */
  auditOf(name: string): Promise<string[]>
  /** A client of its own connection, which `close` ends. */
  as<S extends DescService>(service: S, who: Tls, deadlineMs?: number): Client<S> & { close(): void }
}

export type Tls = Pick<ClientCertificate, 'cert' | 'key' | 'ca'>

export async function secureServer(
  env: Record<string, string> = {},
  options: Partial<ServerOptions> = {},
): Promise<SecureServer> {
  const server = await runningServer(env, options)
  const { db, config } = server
  const sealer = createSealer((await ensureKeys(config)).secretKey)
  await db.tx((tx) => initAuthority(tx, sealer, { name: 'Test', years: 1 }))
  const grpc = await until(() => server.grpcAddress())
  const ca = (await trustedAuthorities(db)).join('')
  const open = new Set<Http2SessionManager>()
  let names = 0
  return {
    ...server,
    sealer,
    grpc,
    grpcPort: Number(grpc.split(':').at(-1)),
    ca,
    authority: () => db.tx((tx) => issuingAuthority(tx, sealer, { role: 'runner', days: 1 })),
    async issue(role, name = `${role}-by-certificate-${++names}`, days = defaultDays[role]) {
      const keys = await generateKeyPair()
      const request = await createRequest(keys, name)
      const hosts = role === 'server' ? ['localhost'] : []
      const made = await db.tx((tx) =>
        issueCertificate(tx, sealer, { request, name, role, days, issuedBy: 'test', hosts }),
      )
      const { id, certificatePem: cert, authoritiesPem, fingerprint } = made
      return { id, name, cert, key: keys.privateKeyPem, ca: authoritiesPem, fingerprint }
    },
    async revoke({ id }) {
      if (!(await revokeCertificate(db, { id }))) throw new Error('it was revoked before')
    },
    as(service, { cert, key, ca: trusted }, deadlineMs) {
      const baseUrl = `https://${grpc}`
      const sessionManager = new Http2SessionManager(baseUrl, {}, { cert, key, ca: trusted, servername: 'localhost' })
      open.add(sessionManager)
      const transport = createGrpcTransport({ baseUrl, sessionManager, defaultTimeoutMs: deadlineMs })
      return Object.assign(createClient(service, transport), { close: () => sessionManager.abort() })
    },
    async auditOf(name) {
      const { rows } = await db.query<{ row: string }>(
        `select action || ' ' || result as row from audit_log where actor = $1 order by id`,
        [name],
      )
      return rows.map(({ row }) => row)
    },
    async close() {
      for (const sessions of open) sessions.abort()
      await server.close()
    },
  }
}
