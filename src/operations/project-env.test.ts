import { chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { projectEnv } from './project-env.ts'

const root = mkdtempSync(join(tmpdir(), 'runyard-env-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const names = ['.env', '.env.local']

test('later files go over earlier ones, and none is needed', () => {
  expect(projectEnv(root, names)).toEqual({})
  writeFileSync(join(root, '.env'), 'A=1\nB="two words"\n# no\n')
  writeFileSync(join(root, '.env.local'), 'A=2\n')
  expect(projectEnv(root, names)).toEqual({ A: '2', B: 'two words' })
})

test('a link to what the project does not have is refused, and so is what is too large', () => {
  symlinkSync('/etc/hostname', join(root, '.env.link'))
  expect(() => projectEnv(root, ['.env.link'])).toThrow('.env.link is a link')
  writeFileSync(join(root, '.env.large'), `A=${'x'.repeat(65_536)}`)
  expect(() => projectEnv(root, ['.env.large'])).toThrow('more than 65536 bytes')
})

test.skipIf(process.getuid?.() !== 0)('a file of another than the owner of the project is refused (needs root)', () => {
  writeFileSync(join(root, '.env.other'), 'A=1\n')
  chownSync(join(root, '.env.other'), 48_212, 48_212)
  expect(() => projectEnv(root, ['.env.other'])).toThrow('belongs to uid 48212, its project to uid 0')
})
