import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { refuseWithoutSandbox } from './sandbox-missing.ts'
import { setupLine } from './setup-line.ts'

test('a job that needs the sandbox is refused with the way to get it; one without isolation is not', () => {
  const dir = mkdtempSync(join(tmpdir(), 'ry-bwrap-'))
  try {
    expect(() => refuseWithoutSandbox({ command: ['true'] }, dir)).toThrow(setupLine())
    refuseWithoutSandbox({ command: ['true'], isolation: 'none' }, dir)
    writeFileSync(join(dir, 'bwrap'), '', { mode: 0o755 })
    refuseWithoutSandbox({ command: ['true'] }, `/nowhere:${dir}`)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
