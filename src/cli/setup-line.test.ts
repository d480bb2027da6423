import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { setupLine as executorsLine } from '../executors/setup.ts'
import { setupLine, spelled, spelledForNpx } from './setup-line.ts'

test('the line can be typed: through npx, or by its name when it is installed for everybody', () => {
  const dir = mkdtempSync(join(tmpdir(), 'ry-setup-line-'))
  expect(spelledForNpx).toBe(executorsLine)
  try {
    const root = join(dir, 'package')
    for (const at of [join(root, 'bin'), join(dir, 'node_modules/.bin'), join(dir, 'bin')]) {
      mkdirSync(at, { recursive: true })
      if (at.startsWith(root)) writeFileSync(join(at, 'runyard.js'), '')
      else symlinkSync(join(root, 'bin/runyard.js'), join(at, 'runyard'))
    }
    const byNpx = { uid: 1000, root, path: `/nowhere:${join(dir, 'node_modules/.bin')}` }
    expect(setupLine(byNpx)).toBe('sudo npx runyard setup --yes')
    expect(setupLine({ ...byNpx, uid: 0 })).toBe('npx runyard setup --yes')
    const byName = setupLine({ ...byNpx, path: `${byNpx.path}:${join(dir, 'bin')}` })
    expect(byName).toBe('sudo runyard setup --yes')
    expect(spelled('restricted: sudo npx runyard setup --yes, or so', byName)).toBe(`restricted: ${byName}, or so`)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
