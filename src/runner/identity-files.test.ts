import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { onFact } from '../lib/facts.ts'
import { eventually } from './eventually.ts'
import {
  filesIn,
  fits,
  identityDir,
  inspectCredentials,
  readIdentity,
  replaceCredentials,
  settleCredentials,
  writeIdentity,
} from './identity-files.ts'
import { keepRenewed } from './renewal.ts'
import { tlsRig, type TlsRig } from './tls-rig.ts'

let dir: string
let rig: TlsRig
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ry-identity-'))
  rig = await tlsRig()
})
afterEach(() => rm(dir, { recursive: true }))

const servers = [{ host: '::1', port: 7 }]
const files = () => filesIn(identityDir(dir))

test('an identity is written whole, for its owner only, and never over another one unasked', async () => {
  expect(await readIdentity(dir)).toBeNull()
  await writeIdentity(dir, { ...(await rig.issue('runner', 'one')), servers }, false)
  expect(await readIdentity(dir)).toEqual({ servers, files: files() })
  expect((await stat(identityDir(dir))).mode & 0o777).toBe(0o700)
  for (const file of Object.values(files())) expect((await stat(file)).mode & 0o777).toBe(0o600)
  const two = { ...(await rig.issue('runner', 'two')), servers }
  await expect(writeIdentity(dir, two, false)).rejects.toThrow()
  expect((await inspectCredentials(files())).name).toBe('one')
  await writeIdentity(dir, two, true)
  expect((await inspectCredentials(files())).name).toBe('two')
  expect(await readdir(dir)).toEqual(['runner-identity'])
})

test('what is no certificate of a runner is refused by the name of its flag', async () => {
  await writeIdentity(dir, { ...(await rig.issue('viewer', 'one')), servers }, false)
  await expect(inspectCredentials(files())).rejects.toThrow(/--cert: .* not a runner’s certificate \(it has viewer\)/)
  const other = await rig.issue('runner', 'two')
  await writeFile(files().cert, other.certificatePem)
  await expect(inspectCredentials(files())).rejects.toThrow(/--key: .* is not the key of/)
  await writeFile(files().cert, 'nonsense')
  await expect(inspectCredentials(files())).rejects.toThrow(/--cert: .* is not a certificate/)
  await rm(files().ca)
  await expect(inspectCredentials(files())).rejects.toThrow(/--ca: cannot read/)
})

test('a renewal that is cut off between its two files is finished at the next start', async () => {
  const [before, after] = [await rig.issue('runner', 'one'), await rig.issue('runner', 'one')]
  await writeIdentity(dir, { ...before, servers }, false)
  const { cert, key } = files()
  // As after a crash when the new key has taken its place and the certificate has not.
  await writeFile(`${cert}.next`, after.certificatePem)
  await writeFile(`${key}.next`, after.privateKeyPem)
  await settleCredentials(files())
  expect(await readFile(cert, 'utf8')).toBe(before.certificatePem) // nothing had changed yet
  await rename(`${key}.next`, key)
  await settleCredentials(files())
  expect(fits(await readFile(cert, 'utf8'), await readFile(key, 'utf8'))).toBe(true)
  expect(await readFile(cert, 'utf8')).toBe(after.certificatePem)
  await replaceCredentials(files(), before, false)
  expect((await inspectCredentials(files())).name).toBe('one')
  expect((await readdir(identityDir(dir))).toSorted()).toEqual(['ca.crt', 'runner.crt', 'runner.key', 'servers.json'])
})

test('at two thirds of its life a certificate is renewed, again after a failure, and the links are told', async () => {
  const now = Date.now()
  // Its 100 s of life began 80 s ago.
  const times = { now: new Date(now - 20_000), notAfter: new Date(now + 20_000) }
  await writeIdentity(dir, { ...(await rig.issue('runner', 'one', times)), servers }, false)
  const renewed = await rig.issue('runner', 'one')
  const over = new AbortController()
  const facts: string[] = []
  const off = onFact((fact) => facts.push(fact.name))
  let asked = 0
  let told = 0
  const keeping = keepRenewed({
    address: { servers, files: files() },
    ownsCa: true,
    signal: over.signal,
    onRenewed: () => (told += 1),
    async renew(_, name) {
      asked += 1
      if (asked === 1) throw new Error('the server is away')
      return { ...renewed, name }
    },
  })
  await eventually(() => told).toBe(1)
  expect(asked).toBe(2)
  expect(facts).toEqual(['runner.certificate_not_renewed', 'runner.certificate_renewed'])
  expect(await readFile(files().cert, 'utf8')).toBe(renewed.certificatePem)
  // The new one is young: nothing more is asked.
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(asked).toBe(2)
  over.abort()
  await keeping
  off()
})
