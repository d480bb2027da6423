/** Certificates go with the system: what was issued holds, what was revoked does not, and the authority issues on. */
import { X509Certificate } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { empty, opened, place, restored, rowsOf, source } from '../../test/backup-world.ts'
import { authenticateCertificate } from '../access/authenticate.ts'
import { initAuthority, issueCertificate, revokeCertificate, trustedAuthorities } from '../access/certificates/index.ts'
import { ensureKeys } from '../access/keys.ts'
import { createSealer } from '../access/secrets.ts'
import type { Config } from '../config/config.ts'
import type { Db } from '../db/pool.ts'
import { identityOf } from '../x509/identity.ts'
import { generateKeyPair } from '../x509/key-pair.ts'
import { createRequest } from '../x509/request.ts'

// Several databases each, and the first one starts their server.
vi.setConfig({ testTimeout: 60_000 })

test('a restored system knows its certificates, and its authority issues more', async () => {
  const from = await source()
  const request = await createRequest(await generateKeyPair(), 'x')
  const issued = async (db: Db, config: Config, name: string) => {
    const sealer = createSealer((await ensureKeys(config)).secretKey)
    const input = { request, name, role: 'admin' as const, days: 1, issuedBy: 'root' }
    return db.tx((tx) => issueCertificate(tx, sealer, input))
  }
  const sealer = createSealer((await ensureKeys(from.config)).secretKey)
  await from.db.tx((tx) => initAuthority(tx, sealer, { name: 'Runyard', years: 1 }))
  const good = await issued(from.db, from.config, 'anna')
  const revoked = await issued(from.db, from.config, 'ben')
  await revokeCertificate(from.db, { id: revoked.id, reason: 'left' })
  await from.backup()

  const [to, url] = [place(), await empty()]
  await restored(from.file, to, url)
  const db = opened(url)
  for (const table of ['certificate_authorities', 'certificates']) {
    expect(await rowsOf(db, table), table).toEqual(await rowsOf(from.db, table))
  }
  const identity = (pem: string) => identityOf(new X509Certificate(pem))
  expect(await authenticateCertificate(db, identity(good.certificatePem))).toMatchObject({ name: 'anna' })
  await expect(authenticateCertificate(db, identity(revoked.certificatePem))).rejects.toMatchObject({
    code: 'unauthenticated',
  })
  const next = await issued(db, to.config, 'cleo')
  expect(Number(next.id)).toBeGreaterThan(Number(revoked.id))
  const [authority = ''] = await trustedAuthorities(db)
  expect(new X509Certificate(next.certificatePem).verify(new X509Certificate(authority).publicKey)).toBe(true)
})
