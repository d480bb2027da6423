import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { notRoot } from '../testing/needs.ts'
import { createStateFiles, readStateFiles, removeFreeFiles, type Prepared, type StateFile } from './state-file.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runyard-state-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const prepared = (key: string, note: unknown = null): Prepared => ({
  version: 1,
  key,
  note,
  boot_id: 'boot',
  started_at: 1,
  cgroups: [],
  unenforced: [],
})
const process = { pid: 7, start_time: '42' }

test('what was written is found, and a file is used again by the next', () => {
  const files = createStateFiles(dir)
  const first = files.take(prepared('1-1', 'a note that is longer than the next one'))
  first.launched(process)
  first.ended({ lost: 'why' })
  expect(readStateFiles(dir)).toMatchObject([{ prepared: { key: '1-1' }, launched: process, end: { lost: 'why' } }])
  first.free()
  expect(readStateFiles(dir)).toEqual([])
  files.take(prepared('1-2'))
  expect(readStateFiles(dir)).toMatchObject([{ prepared: { key: '1-2' }, launched: undefined, end: undefined }])
  expect(readdirSync(dir)).toHaveLength(1)
})

test('of what a killed launcher left, the free files go and the others stay', () => {
  const files = createStateFiles(dir)
  files.take(prepared('1-1'))
  files.take(prepared('1-2')).free()
  writeFileSync(join(dir, '77.attempt'), '{"version":1,"ke')
  removeFreeFiles(dir)
  expect(readStateFiles(dir)).toMatchObject([{ prepared: { key: '1-1' } }])
  expect(readdirSync(dir)).toHaveLength(1)
})

test.skipIf(notRoot)('a full disk: nothing is begun, and what began says that it is not written down', () => {
  const disk = join(dir, 'disk')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', disk])
  const files = createStateFiles(disk)
  let state: StateFile | undefined
  try {
    expect(() => files.take(prepared('1-1', 'x'.repeat(20_000)))).toThrow('ENOSPC')
    expect(readStateFiles(disk)).toEqual([])
    // The line of the process does not fit into what is left of the page.
    const short = JSON.stringify(prepared('1-2', '')).length + 1
    state = files.take(prepared('1-2', 'x'.repeat(4096 - short - 10)))
    expect(statSync(join(disk, readdirSync(disk)[0]!)).size).toBe(4096 - 10)
    const rest = join(disk, 'rest')
    expect(() => writeFileSync(rest, Buffer.alloc(20_000))).toThrow('ENOSPC')
    expect(state.launched(process)?.message).toContain('ENOSPC')
    expect(readStateFiles(disk)).toMatchObject([{ prepared: { key: '1-2' }, launched: undefined }])
    rmSync(rest)
    state.ended({ lost: 'why' })
    expect(readStateFiles(disk)).toMatchObject([{ prepared: { key: '1-2' }, end: { lost: 'why' } }])
    expect(readFileSync(join(disk, readdirSync(disk)[0]!), 'utf8').split('\n')).toHaveLength(3)
  } finally {
    state?.free()
    files.close()
    execFileSync('umount', [disk])
  }
})
