import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { placeOf } from './place.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'runyard-place-'))
})
afterEach(() => rm(dir, { recursive: true }))

test('a data directory is one place over restarts; its copy, and the same path after another boot, are others', async () => {
  const [one, copy, link] = [join(dir, 'one'), join(dir, 'copy'), join(dir, 'link')]
  await mkdir(one)
  await cp(one, copy, { recursive: true })
  await symlink(one, link)
  const place = await placeOf(one)
  await writeFile(join(one, 'more'), 'written by a job')
  expect(await placeOf(one)).toBe(place)
  expect(await placeOf(link)).toBe(place)
  expect(await placeOf(copy)).not.toBe(place)
  const boot = join(dir, 'boot_id')
  await writeFile(boot, 'a clone of the machine')
  expect(await placeOf(one, boot)).not.toBe(place)
})
