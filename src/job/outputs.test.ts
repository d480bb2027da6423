import fc from 'fast-check'
import { expect, test } from 'vitest'
import { artifactName, isArtifactName } from './artifacts.ts'
import { outputLimits, parseOutputs } from './outputs.ts'

const parse = (text: string) => parseOutputs(Buffer.from(text))
const line = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !/[\0\r\n]/.test(text))

test('what was written comes back, in either form', () => {
  const names = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,20}$/)
  const value = fc.array(line, { minLength: 1, maxLength: 4 }).filter((lines) => !lines.includes('EOF'))
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(names, value), { selector: ([name]) => name, maxLength: 8 }), (all) => {
      const file = all.map(([name, lines]) =>
        lines.length === 1 && !lines[0]!.startsWith('<')
          ? `${name}=${lines[0]}\n`
          : `${name}<<EOF\n${lines.join('\n')}\nEOF\n`,
      )
      const { values, notes } = parse(file.join(''))
      expect(notes).toEqual([])
      expect(values).toEqual(Object.fromEntries(all.map(([name, lines]) => [name, lines.join('\n')])))
    }),
    { numRuns: 60 },
  )
})

test.each([
  ['a=1\na=2', { a: '2' }, []],
  ['\n1a=x\nno\n=x\n', {}, [/line 2 is no name=value: "1a=x"/, /line 3/, /line 4/]],
  ['a<<EOF\nx\n', {}, [/output a has no line EOF at its end/]],
  ['a<<\nb=1', { b: '1' }, [/names no mark after <</]],
  ['a=x\0y\nb=1', { b: '1' }, [/output a has a NUL/]],
  [`a=${'x'.repeat(outputLimits.valueBytes + 1)}\nb=`, { b: '' }, [/more than 32 KiB/]],
])('%#', (file, values, notes) => {
  const parsed = parse(file)
  expect(parsed.values).toEqual(values)
  expect(parsed.notes).toEqual(notes.map((note) => expect.stringMatching(note)))
})

test('no more than may be', () => {
  const many = Array.from({ length: 150 }, (_, i) => `n${i}=${'x'.repeat(3000)}`).join('\n')
  const { values, notes } = parse(many)
  const bytes = Object.values(values).join('').length
  expect([Object.keys(values).length <= 100, bytes <= outputLimits.totalBytes, notes.length]).toEqual([true, true, 6])
  expect(parseOutputs(Buffer.from([0x61, 0x3d, 0xff]))).toMatchObject({
    values: {},
    notes: [expect.stringContaining('UTF-8')],
  })
})

test('no name of an artefact leads anywhere else', () => {
  expect(artifactName('/tmp//x/./a.txt')).toBe('tmp/x/a.txt')
  for (const bad of ['', '/', '..', 'a/../b', 'a\nb', 'a\0', 'a\\b', 'x'.repeat(256), '\ufffd']) {
    expect([bad, artifactName(bad), isArtifactName(bad)]).toEqual([bad, null, false])
  }
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('.', '/', 'a', '\\', '\0', ' ') }), (path) => {
      const name = artifactName(path)
      if (name !== null)
        expect([isArtifactName(name), `/${name}/`.includes('/../'), name[0] === '/']).toEqual([true, false, false])
    }),
    { numRuns: 200 },
  )
})
