/** Subjects that somebody else wrote: TLS lets in only what our authority signed, and this must not trust even that. */
import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { identityOf } from './identity.ts'
import { generateKeyPair, signingAlgorithm } from './key-pair.ts'
import { x509 } from './library.ts'
import { isCertificateRole } from './roles.ts'

async function unitsOf(name: Record<string, string[]>[]): Promise<string[]> {
  const { X509CertificateGenerator } = await x509()
  const { keys } = await generateKeyPair()
  const made = await X509CertificateGenerator.createSelfSigned({ name, keys, signingAlgorithm, serialNumber: '01' })
  return identityOf(new X509Certificate(made.toString('pem'))).organizationalUnits
}

test.each<[string, Record<string, string[]>[], string[]]>([
  ['none', [{ CN: ['anna'] }], []],
  ['one', [{ OU: ['admin'] }, { CN: ['anna'] }], ['admin']],
  ['two', [{ OU: ['viewer'] }, { OU: ['admin'] }], ['viewer', 'admin']],
  ['two in one', [{ OU: ['viewer', 'admin'] }], ['viewer', 'admin']],
  ['the same twice', [{ OU: ['admin'] }, { OU: ['admin'] }], ['admin', 'admin']],
  ['in the common name', [{ CN: ['x, OU=admin'] }], []],
  ['in the common name, by lines', [{ CN: ['x\nOU=admin'] }], []],
  ['a sign for two', [{ OU: ['viewer+OU=admin'] }], ['viewer+OU=admin']],
])('OU: %s', async (_what, name, expected) => {
  expect(await unitsOf(name)).toEqual(expected)
})

test('only the very words are roles', async () => {
  expect(isCertificateRole((await unitsOf([{ OU: ['admin'] }]))[0]!)).toBe(true)
  for (const word of [
    'Admin',
    'ADMIN',
    'аdmin',
    'admin ',
    ' admin',
    'admin\0',
    'admi',
    'ⓐdmin',
    'admin,viewer',
    'root',
  ]) {
    const [unit = ''] = await unitsOf([{ OU: [word] }])
    expect([word, isCertificateRole(unit)]).toEqual([word, false])
  }
})
