import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import { keptKeys, keyIdOf, makeKey, promoteKey } from './kept-keys.ts'
import { createKeyring } from './keyring.ts'
import { ensureKeys } from './keys.ts'
import { claimSecretKey, listSealingKeys, oldestKeyOf, prepareKey, putToUse, retireKeys } from './sealing-keys.ts'
import { createSealer } from './secrets.ts'

const keys = [1, 2, 3].map((n) => Buffer.alloc(32, n))
const id = (n: number): string => createSealer(keys[n]!).keyId

test('a ring opens what any of its keys sealed, and seals with the one in use, for every purpose', () => {
  const ring = createKeyring([keys[0]!, keys[1]!])
  const purpose = ring.forPurpose('variable')
  const before = purpose.seal('v', 'x')
  expect(ring.keyId).toBe(id(0))
  ring.use(id(1))
  const after = purpose.seal('v', 'x')
  expect([ring.keyId, purpose.keyId]).toEqual([id(1), id(1)])
  for (const sealed of [before, after]) expect(purpose.open(sealed, 'x').toString()).toBe('v')
  expect(createSealer(keys[1]!, 'variable').open(after, 'x').toString()).toBe('v')
  expect(() => createSealer(keys[0]!, 'variable').open(after, 'x')).toThrow(/another key/)
  // Neither another row nor another purpose, whatever the key.
  expect(() => purpose.open(before, 'y')).toThrow(/belongs elsewhere/)
  expect(() => ring.open(before, 'x')).toThrow(/belongs elsewhere/)
  expect(() => ring.open(createSealer(keys[2]!).seal('v', 'x'), 'x')).toThrow(`another key (${id(2)})`)
  expect(() => ring.use(id(2))).toThrow(/no sealing key/)
  expect([ring.add(keys[2]!), ring.keyIds()]).toEqual([id(2), [id(0), id(1), id(2)]])
})

test('a server without a key that values need refuses to start; which key seals is the database’s word', async () => {
  const { db, drop } = await testDatabase()
  onTestFinished(drop)
  await claimSecretKey(db, createKeyring([keys[0]!]))
  await claimSecretKey(db, createKeyring([keys[0]!]))
  expect(await listSealingKeys(db)).toMatchObject([{ keyId: id(0), current: true, retiredAt: null }])
  const wrong = { code: 'failed_precondition', message: expect.stringContaining(id(0)) }
  await expect(claimSecretKey(db, createKeyring([keys[1]!]))).rejects.toMatchObject(wrong)

  await prepareKey(db, id(1))
  await claimSecretKey(db, createKeyring([keys[0]!]))
  await db.tx((tx) => putToUse(tx, id(1)))
  // A server that starts with the old one first follows.
  const ring = createKeyring([keys[0]!, keys[1]!])
  await claimSecretKey(db, ring)
  expect(ring.keyId).toBe(id(1))
  expect(await oldestKeyOf(db, [keys[1]!, keys[0]!])).toBe(keys[0])
  // Until nothing is sealed with it any more.
  await expect(claimSecretKey(db, createKeyring([keys[1]!]))).rejects.toMatchObject(wrong)
  await retireKeys(db, [id(0)])
  await claimSecretKey(db, createKeyring([keys[1]!]))
  await expect(claimSecretKey(db, createKeyring([keys[0]!]))).rejects.toMatchObject({ code: 'failed_precondition' })
})

test('a new key file takes the place of the old one, which is kept', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'runyard-keys-'))
  onTestFinished(() => rm(dataDir, { recursive: true }))
  const first = await ensureKeys({ dataDir })
  const firstId = createSealer(first.secretKey).keyId
  const { key, path } = await makeKey(dataDir)
  const nextId = createSealer(key).keyId
  expect((await ensureKeys({ dataDir })).otherSecretKeys).toEqual([key])
  await promoteKey(dataDir, nextId)
  await promoteKey(dataDir, nextId)
  expect(keyIdOf(await readFile(join(dataDir, 'secrets', 'secret.key'), 'utf8'))).toBe(nextId)
  expect((await readdir(join(dataDir, 'secrets'))).sort()).toEqual(['jwt.key', 'secret.key', `secret.key.${firstId}`])
  expect(path).toContain(nextId)
  expect(await ensureKeys({ dataDir })).toMatchObject({ secretKey: key, otherSecretKeys: [first.secretKey] })
  expect(await keptKeys(dataDir)).toMatchObject([{ keyId: firstId }])
  const configured = await ensureKeys({
    dataDir,
    secretKey: randomBytes(32).toString('base64'),
    oldSecretKeys: [keys[1]!.toString('base64')],
  })
  expect(configured.otherSecretKeys).toEqual([keys[1], first.secretKey])
})
