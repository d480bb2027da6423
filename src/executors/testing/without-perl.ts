/** Hides Perl from every launcher that this test file starts: they take the chain of programs instead. */
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

const programsIn = (dir: string): string[] => {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}

export function hidePerl(): void {
  const before = process.env.PATH
  let dir: string
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'runyard-no-perl-'))
    const seen = new Set<string>()
    for (const from of (before ?? '/usr/sbin:/usr/bin:/sbin:/bin').split(delimiter)) {
      for (const name of programsIn(from)) {
        if (seen.has(name) || /^perl/.test(name)) continue
        seen.add(name)
        symlinkSync(join(from, name), join(dir, name))
      }
    }
    process.env.PATH = dir
  })
  afterAll(() => {
    process.env.PATH = before
    rmSync(dir, { recursive: true })
  })
}
