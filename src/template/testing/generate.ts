/** Templates made by chance, from a fixed seed: of the grammar, of printf's verbs and flags, and slips of the pen. */
import fc from 'fast-check'
import { tricky, variables } from './cases.ts'

const names = Object.keys(variables)
const literal = fc.oneof(
  fc.integer({ min: -9, max: 300 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e25, max: 1e25 }).map(goFloat),
  fc.constantFrom('true', 'false', '"a"', '"héllo"', '`x`', "'b'", '""', '0', '1.0', '2.5', 'nil'),
)
const path = fc
  .tuple(
    fc.constantFrom('.', '$.'),
    fc.constantFrom(...names, 'missing', 'deep.x', 'deep.x.y', 'map.a', 'deep.x.y.list'),
  )
  .map(([from, name]) => from + name)
const functionNames = [
  'print',
  'printf',
  'println',
  'len',
  'index',
  'slice',
  'not',
  'and',
  'or',
  'html',
  'js',
  'urlquery',
]
const functionName = fc.constantFrom(...functionNames, 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'print', 'eq', 'index')

/** As a Go literal of a float64. */
export function goFloat(value: number): string {
  const text = String(value)
  return /[.eE]/.test(text) ? text : Object.is(value, -0) ? '-0.0' : `${text}.0`
}

const { expression, nodes } = fc.letrec<{ operand: string; expression: string; node: string; nodes: string }>(
  (tie) => ({
    operand: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      path,
      literal,
      fc.constantFrom('.', '$', '$v'),
      tie('expression').map((inner) => `(${inner})`),
      tie('expression').map((inner) => `(${inner}).x`),
    ),
    expression: fc.oneof(
      { depthSize: 'small' },
      path,
      tie('operand'),
      fc
        .tuple(functionName, fc.array(tie('operand'), { maxLength: 3 }))
        .map(([name, args]) => [name, ...args].join(' ')),
      fc.tuple(tie('expression'), functionName).map(([inner, name]) => `${inner} | ${name}`),
      fc.tuple(tie('operand'), path).map(([operand, list]) => `index ${list} ${operand}`),
    ),
    node: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('text', ' \n ', 'x ', '{{ break }}', '{{/* c */}}', '{{ $v = 1 }}', '{{ $w := .n }}{{ $w }}'),
      tie('expression').map((inner) => `{{ ${inner} }}`),
      tie('expression').map((inner) => `{{- ${inner} -}}`),
      fc
        .tuple(tie('expression'), tie('nodes'), tie('nodes'))
        .map(([e, a, b]) => `{{ if ${e} }}${a}{{ else }}${b}{{ end }}`),
      fc.tuple(tie('expression'), tie('nodes')).map(([e, a]) => `{{ with ${e} }}${a}{{ end }}`),
      fc.tuple(tie('expression'), tie('nodes')).map(([e, a]) => `{{ with $v := ${e} }}${a}{{ end }}`),
      fc.tuple(path, tie('nodes'), tie('nodes')).map(([e, a, b]) => `{{ range ${e} }}${a}{{ else }}${b}{{ end }}`),
      fc.tuple(path, tie('nodes')).map(([e, a]) => `{{ range $k, $v := ${e} }}${a}{{ $k }}{{ end }}`),
      fc.tuple(tie('expression'), tie('nodes')).map(([e, a]) => `{{ block "b" ${e} }}{{ $v := 2 }}${a}{{ end }}`),
    ),
    nodes: fc.array(tie('node'), { maxLength: 4, depthIdentifier: 'nodes' }).map((all) => all.join('')),
  }),
)
const grammatical = fc.oneof(
  nodes.map((text) => `{{ $v := .s }}${text}`),
  expression.map((text) => `{{ $v := .s }}{{ ${text} }}`),
)

const flags = fc.string({ unit: fc.constantFrom('#', '0', '+', '-', ' '), maxLength: 3 })
const size = fc.constantFrom('', '', '5', '12', '.0', '.2', '8.3', '10.7', '.17', '*', '[1]')
const verb = fc.constantFrom(...Array.from('vvvdsqxXobOcUTtfFeEgGbz%'))
const directive = fc.tuple(flags, size, verb).map((parts) => `%${parts.join('')}`)
const formatted = fc
  .tuple(fc.array(directive, { minLength: 1, maxLength: 3 }), fc.array(fc.oneof(literal, path), { maxLength: 4 }))
  .map(([directives, args]) => `{{ printf "${directives.join('|')}" ${args.join(' ')} }}`)

const slip = fc
  .tuple(
    fc.constantFrom(...tricky),
    fc.nat(60),
    fc.nat(3),
    fc.constantFrom('', '', ' ', '-', '}}', '{{', '(', ')', '.', '|'),
  )
  .map(([text, at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut))

/** What we know to be otherwise here (docs/templates.md). */
const otherwise = (text: string): boolean =>
  // Beyond its end Go shows what the decoder happened to allocate.
  /\bslice\b/.test(text) ||
  // Wider than a result may be.
  (/\d{6,}/.test(text) && text.includes('printf')) ||
  // Complex numbers.
  /[0-9]i\b/.test(text) ||
  // In Go 1.19 this sets another variable than the named one.
  /range\s*\$\w*(?:\s*,\s*\$\w*)?\s*=/.test(text)

export function generated(count: number, seed: number): string[] {
  const texts = fc.sample(fc.oneof(grammatical, formatted, slip), { numRuns: count, seed })
  return texts.filter((text) => !otherwise(text))
}
