import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkTemplate, render, TemplateError, type RenderOptions } from './template.ts'

function problem(text: string, data: Record<string, unknown> = {}, options?: RenderOptions): TemplateError {
  try {
    render('t', text, data, options)
  } catch (error) {
    if (error instanceof TemplateError) return error
    throw error
  }
  throw new Error(`${text} did not fail`)
}

test('the examples of docs/templates.md hold', () => {
  const page = readFileSync(new URL('../../docs/templates.md', import.meta.url), 'utf8')
  const [, variables = ''] = /```json\n([^`]*)```/.exec(page) ?? []
  const data = JSON.parse(variables) as Record<string, unknown>
  const examples = [...page.matchAll(/^(.*\{\{.*\S) +→ (.*)$/gm)]
  expect(examples.length).toBeGreaterThan(30)
  for (const [, text = '', result = ''] of examples) {
    if (result.startsWith('error: ')) expect(problem(text, data).message).toContain(result.slice('error: '.length))
    else expect(`${text} → ${render('t', text, data)}`).toBe(`${text} → ${result}`)
  }
})

test('an error has its place and no more', () => {
  const error = problem('a\n  é {{ .name | printf "%s" }}\n{{ .nam }}', { name: 'x' })
  expect(error).toMatchObject({ line: 3, column: 4, message: 't:3:4: map has no entry for key "nam"' })
  expect(problem('a\n é {{ .x }}')).toMatchObject({ line: 2, column: 7 })
  expect(checkTemplate('t', '\n{{ if }}', [])).toMatchObject({ line: 2, column: 7 })
  expect(checkTemplate('t', '{{ mine 1 }}', [])?.message).toBe('t:1:4: function "mine" not defined')
  expect(checkTemplate('t', '{{ mine 1 }}', ['mine'])).toBeNull()
})

test('nothing of JavaScript is in reach', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'length']) {
    expect(problem(`{{ .${name} }}`).message).toContain('map has no entry')
    expect(problem(`{{ .a.${name} }}`, { a: [1] }).message).toContain("can't evaluate field")
    expect(problem(`{{ .f.${name} }}`, { f: 'text' }).message).toContain("can't evaluate field")
    expect(render('t', `{{ index . "${name}" }}`, {})).toBe('<no value>')
    expect(checkTemplate('t', `{{ ${name} }}`, [])?.message).toContain('not defined')
    expect(problem(`{{ template "${name}" }}`).message).toContain('not defined')
  }
  const data = JSON.parse('{"__proto__": {"a": 1}, "constructor": "c"}') as Record<string, unknown>
  expect(render('t', '{{ .__proto__.a }}{{ .constructor }}{{ toJson . }}', data)).toBe(
    '1c{"__proto__":{"a":1},"constructor":"c"}',
  )
  expect(problem('{{ .a }}', Object.create({ a: 1 }) as Record<string, unknown>).message).toContain('no entry')
})

test('a template ends, whatever it says', () => {
  const many = { list: Array.from({ length: 1000 }, (_, i) => i), big: 'x'.repeat(600_000) }
  const nested = '{{ range $.list }}'
  expect(problem(`${nested.repeat(3)}{{ end }}{{ end }}{{ end }}`, many).message).toContain('more than 100000 steps')
  expect(problem('{{ range .list }}{{ . }}{{ end }}', many, { maxSteps: 500 }).message).toContain('500 steps')
  expect(problem('{{ .big }}{{ .big }}', many).message).toContain('more than 1048576 bytes')
  expect(problem('{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}').message).toContain('100 levels deep')
  const deep = '{{ if true }}'.repeat(150)
  const recursive = `{{ define "a" }}${deep}{{ template "a" }}${'{{ end }}'.repeat(150)}{{ end }}{{ template "a" }}`
  expect(problem(recursive).message).toContain('nested deeper')
  const doubling = `{{ $x := .big }}${'{{ $x = print $x $x }}'.repeat(40)}`
  expect(problem(doubling, many).message).toContain('more than 1048576 bytes')
  expect(problem(`{{ printf "${'%999999d'.repeat(50)}" ${'1 '.repeat(50)} }}`).message).toContain('printf pads')
  expect(problem('{{ range .list }}{{ printf "%999999v" $.list }}{{ end }}', many).message).toContain('printf pads')
  expect(problem(`{{ ${'('.repeat(5000)}1${')'.repeat(5000)} }}`).message).toContain('nested deeper')
  expect(problem('{{ if true }}'.repeat(5000)).message).toContain('nested deeper')
  expect(problem('{{ if .no }}{{ else if .no }}'.repeat(5000), { no: false }).message).toContain('nested deeper')
  let odd: unknown = 1
  for (let i = 0; i < 5000; i++) odd = [odd]
  expect(problem('{{ .odd }}', { odd }).message).toContain('nested deeper')
})

test('functions of the caller: plain values in and out, their errors at their place', () => {
  const functions = {
    upper: (text: unknown) => String(text).toUpperCase(),
    all: (...args: unknown[]) => JSON.stringify(args),
    pair: () => ({ a: [1, null], b: 2 }),
    broken: () => {
      throw new Error('is broken')
    },
  }
  expect(render('t', '{{ upper .s | printf "%s!" }} {{ all 1 .m nil }}', { s: 'a', m: { x: 1 } }, { functions })).toBe(
    'A! [1,{"x":1},null]',
  )
  expect(render('t', '{{ (pair).b }}{{ index (pair).a 0 }}', {}, { functions })).toBe('21')
  expect(problem('\n{{ broken }}', {}, { functions })).toMatchObject({
    line: 2,
    message: 't:2:4: error calling broken: is broken',
  })
})

test('a value is data: it is never read as a template, and quoted it is one word of a shell', () => {
  const hostile = `'; rm -rf / #{{ .x }}$(id)\n\\"`
  expect(render('t', '{{ .v }}', { v: hostile })).toBe(hostile)
  expect(render('t', '{{ shellquote .v }}', { v: hostile })).toBe(`''\\''; rm -rf / #{{ .x }}$(id)\n\\"'`)
  expect(problem('{{ shellquote .v }}', { v: ['a'] }).message).toContain('needs a text')
})

test('halves of a character: joined they are it, alone they are a replacement', () => {
  expect(render('t', '{{ slice .s 0 1 }}{{ slice .s 1 }}|{{ slice .s 0 1 }}', { s: 'é' })).toBe('é|\ufffd')
  expect(render('t', '{{ .s }}', { s: '\ud800' })).toBe('\ufffd')
})
