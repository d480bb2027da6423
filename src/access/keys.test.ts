import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readSecretFile } from './key-files.ts'
import { ensureKeys } from './keys.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'runyard-keys-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

test('keys are generated once, kept 0600 in a 0700 directory, and strong', async () => {
  const first = await ensureKeys({ dataDir })
  expect(first.secretKey.length).toBe(32)
  expect(first.jwtSecret.length).toBeGreaterThanOrEqual(32)
  expect(await ensureKeys({ dataDir })).toEqual(first)
  expect((await readdir(join(dataDir, 'secrets'))).sort()).toEqual(['jwt.key', 'secret.key'])
  expect((await stat(join(dataDir, 'secrets'))).mode & 0o777).toBe(0o700)
  for (const name of ['jwt.key', 'secret.key'])
    expect((await stat(join(dataDir, 'secrets', name))).mode & 0o777).toBe(0o600)
})

test('twenty servers that start at once have the same keys', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => ensureKeys({ dataDir })))
  for (const keys of all) expect(keys).toEqual(all[0])
  expect((await readdir(join(dataDir, 'secrets'))).length).toBe(2)
})

test('configured keys win and are not written to the disk', async () => {
  const secretKey = Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64')
  const jwtSecret = 'a configured secret that is long enough 0123456789'
  const keys = await ensureKeys({ dataDir, secretKey, jwtSecret })
  expect(Buffer.from(keys.jwtSecret).toString()).toBe(jwtSecret)
  expect(keys.secretKey[31]).toBe(31)
  expect(await readdir(join(dataDir, 'secrets'))).toEqual([])
})

test('a key file that others may read is refused, with the fix', async () => {
  await ensureKeys({ dataDir })
  const path = join(dataDir, 'secrets', 'secret.key')
  for (const mode of [0o640, 0o604, 0o620, 0o601]) {
    await chmod(path, mode)
    await expect(ensureKeys({ dataDir })).rejects.toThrow(`chmod 600 ${path}`)
  }
})

test('a link in the place of a key is refused', async () => {
  await writeFile(join(dataDir, 'elsewhere'), 'x'.repeat(50), { mode: 0o600 })
  await symlink(join(dataDir, 'elsewhere'), join(dataDir, 'link'))
  await expect(readSecretFile(join(dataDir, 'link'))).rejects.toThrow('it is a link')
  await expect(readSecretFile(dataDir)).rejects.toThrow('is not a file')
})

test('weak keys are refused all at once, by the name that sets them, and never shown', async () => {
  const weak = { dataDir, jwtSecret: 'secret', secretKey: Buffer.alloc(32, 'A').toString('base64') }
  const error = await ensureKeys(weak).catch((e: unknown) => e)
  expect(error).toMatchObject({
    code: 'failed_precondition',
    fields: [{ field: 'RUNYARD_JWT_SECRET' }, { field: 'RUNYARD_SECRET_KEY' }],
  })
  expect(String(error)).not.toContain(weak.secretKey)
  await expect(ensureKeys({ dataDir, jwtSecret: 'changeme'.repeat(8) })).rejects.toThrow('RUNYARD_JWT_SECRET')
  await ensureKeys({ dataDir })
  await writeFile(join(dataDir, 'secrets', 'jwt.key'), 'short')
  await expect(ensureKeys({ dataDir })).rejects.toThrow('jwt.key')
  expect(await readFile(join(dataDir, 'secrets', 'jwt.key'), 'utf8')).toBe('short')
})
