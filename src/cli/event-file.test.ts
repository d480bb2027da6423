import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readInput, readYaml } from './event-file.ts'

test('an input is JSON where it is some, else bytes with a type', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'runyard-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const [json, csv] = [join(dir, 'a.json'), join(dir, 'a.csv')]
  writeFileSync(json, '{"a": [null, false]}')
  writeFileSync(csv, 'a,b\n')
  expect(await readInput(undefined, undefined)).toEqual({})
  expect(await readInput('null', undefined)).toEqual({ input: null })
  expect(await readInput(`@${json}`, undefined)).toEqual({ input: { a: [null, false] } })
  const bytes = Buffer.from('a,b\n').toString('base64')
  expect(await readInput(`@${csv}`, undefined)).toEqual({ input_base64: bytes, input_type: 'application/octet-stream' })
  expect(await readInput(`@${csv}`, 'text/csv')).toEqual({ input_base64: bytes, input_type: 'text/csv' })
  await expect(readInput('plain', undefined)).rejects.toThrow('is not JSON')
  await expect(readInput(undefined, 'text/csv')).rejects.toThrow('--type is of --input')
  await expect(readInput('@/nowhere', undefined)).rejects.toThrow('there is no such file')
  await expect(readYaml(join(dir, 'none.yaml'))).rejects.toThrow('there is no such file')
})

test('an input of bytes may have 1 MiB', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'runyard-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'a.bin')
  writeFileSync(file, Buffer.alloc(1024 * 1024, 0xff))
  expect((await readInput(`@${file}`, undefined)).input_base64).toHaveLength(1_398_104)
  writeFileSync(file, Buffer.alloc(1024 * 1024 + 1, 0xff))
  await expect(readInput(`@${file}`, undefined)).rejects.toThrow('--input: 1048577 bytes, at most 1048576 (1 MiB)')
})
