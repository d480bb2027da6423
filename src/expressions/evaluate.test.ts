import { describe, expect, test } from 'vitest'
import type { Json } from '../lib/json.ts'
import { checkCondition, checkTemplates, fieldsMentioned } from './check.ts'
import { charge, chargedTo, deadlineMs, evaluateCondition, fillTemplates } from './evaluate.ts'
import { ExpressionProblem, type Names } from './names.ts'

const names: Names = {
  outcome: { state: 'failed', success: false, exit_code: 3, duration_seconds: 2.5, message: null },
  output: {
    n: 3,
    ratio: 0.5,
    list: [1, 2, 3],
    text: 'a <b> & {{ vars.x }}',
    big: Array.from({ length: 3000 }, (_, i) => i),
  },
  condition: true,
  input: null,
  vars: { limit: 2, x: 'secret-looking' },
}
const problem = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    (value) => `no problem: ${JSON.stringify(value)}`,
    (error: unknown) => {
      if (!(error instanceof ExpressionProblem)) throw error
      return error.message
    },
  )

describe('conditions', () => {
  test.each<[string, boolean]>([
    ['outcome.exit_code == 3 && !outcome.success', true],
    ['output.n > vars.limit', true],
    ['output.n * output.ratio == 1.5', true],
    ['output.ratio + 1 == 1.5 && output.n - 0.5 == 2.5', true],
    ['output.list.exists(x, x > 2) && output.list[0] == 1', true],
    ['has(output.missing) || condition', true],
    ['output.text.contains("<b>") && outcome.state in ["failed", "lost"]', true],
    ['outcome.message == null && input == null', true],
    ['output.text.matches("(a+)+$")', false],
    ['output.text.replace("a", "b").startsWith("a")', false],
  ])('%s is %s', async (text, value) => {
    expect(await evaluateCondition(text, names)).toBe(value)
    expect(checkCondition(text)).toBeNull()
  })

  test.each<[string, RegExp]>([
    ['output.n', /neither true nor false/],
    ['output.missing == 1', /field not found: missing/],
    ['nobody == 1', /unresolved/],
    ['constructor == 1', /unresolved/],
    ['output.constructor.constructor("return process")() == 1', /CEL|field not found/],
    ['output["__proto__"] == 1', /field not found/],
    ['1 ==', /no CEL expression/],
    [`${'('.repeat(60)}true${')'.repeat(60)}`, /nested more than 50 deep/],
    // 3,000³ looks at a number.
    ['output.big.all(a, output.big.all(b, output.big.all(c, a + b + c >= 0)))', /not done within/],
  ])('%.60s is refused', async (text, why) => {
    expect(await problem(evaluateCondition(text, names))).toMatch(why)
  })

  test('a name that is not there is told of when it is written down', () => {
    expect(checkCondition('outptu.n == 1')).toMatch(/speaks of outptu, which is not there; there are outcome, output/)
    expect(checkCondition('status == 200', ['status'])).toBeNull()
    expect(checkCondition('output.list.map(v, v + 1).size() == 3')).toBeNull()
    expect(checkCondition('1 ==')).toMatch(/no CEL expression/)
  })
})

describe('templates', () => {
  test('a single one becomes the value, a text has it as people write it', async () => {
    const json = {
      whole: '{{ output }}',
      list: ['{{ output.list | first }}', '{{ missing.at.all }}'],
      text: 'exit {{ outcome.exit_code }}, {{ output.list }}{% if condition %}!{% endif %}',
      kept: { '{{ key }}': 1, plain: 'as it is' },
    }
    expect(await fillTemplates(json, { ...names, output: { list: [1, 2] } })).toEqual({
      whole: { list: [1, 2] },
      list: [1, ''],
      text: 'exit 3, [1,2]!',
      kept: { '{{ key }}': 1, plain: 'as it is' },
    })
  })

  test('what is filled in is no template, whatever it looks like', async () => {
    const evil = '{{ vars.x }}{% include "/etc/passwd" %}'
    expect(await fillTemplates(['{{ output }}', 'say {{ output }}'], { ...names, output: evil })).toEqual([
      evil,
      `say ${evil}`,
    ])
  })

  test('in HTML values are escaped, and nothing takes that away', async () => {
    const html = (json: Json): Promise<Json> => fillTemplates(json, names, { html: ['html'] })
    expect(await html({ html: '<p>{{ output.text }}</p>', text: '{{ output.text }}' })).toEqual({
      html: '<p>a &lt;b&gt; &amp; {{ vars.x }}</p>',
      text: 'a <b> & {{ vars.x }}',
    })
    expect(await problem(html({ html: '{{ output.text | raw }}' }))).toMatch(/undefined filter: raw/)
  })

  test.each<[string, RegExp]>([
    ['{{ constructor.constructor("return process")() }}', /no Liquid template|^no problem: ""$/],
    ['{{ output.constructor }}{{ output.__proto__ }}{{ output.list.constructor }}', /^no problem: ""$/],
    ['{{ "x" | constructor }}', /undefined filter/],
    ['{{ "x" | toString }}', /undefined filter/],
    ['{% include "/etc/passwd" %}', /tag "include" not found/],
    ['{% render "x" %}', /tag "render" not found/],
    ['{% layout "x" %}', /tag "layout" not found/],
    ['{% for i in (1..1000000000) %}x{% endfor %}', /memory alloc limit/],
    [
      '{% for a in output.big %}{% for b in output.big %}{% for c in output.big %}{% assign x = a | plus: b %}{% endfor %}{% endfor %}{% endfor %}',
      /limit|not done within/,
    ],
    [`{% assign s = "xxxxxxxxxx" %}${'{% assign s = s | append: s %}'.repeat(40)}{{ s }}`, /limit|memory/],
    ['{% if %}', /no Liquid template/],
    ['{{ output.text', /no Liquid template/],
    [`${'{% if condition %}'.repeat(20000)}`, /no Liquid template|nested/],
  ])('%.60s', async (text, what) => {
    expect(await problem(fillTemplates(text, names))).toMatch(what)
    // The next question is answered as if nothing had been.
    expect(await fillTemplates('{{ outcome.exit_code }}', names)).toBe(3)
  })

  test('what the outermost names are is checked when it is written down', () => {
    expect(checkTemplates({ a: ['{{ outptu.x }}', '{{ output.x }}'], b: '{{' }, 'do.message.input')).toEqual([
      { field: 'do.message.input.a[0]', message: expect.stringMatching(/^speaks of outptu, which is not there/) },
      { field: 'do.message.input.b', message: expect.stringMatching(/no Liquid template/) },
    ])
    expect(checkTemplates('{% for x in output.list %}{{ x.y }}{{ forloop.index }}{% endfor %}')).toEqual([])
  })
})

test('the fields of vars that are mentioned, or all when one is named by a value', () => {
  const of = (conditions: string[], ...templates: Json[]) => fieldsMentioned('vars', { conditions, templates })
  expect(of(['vars.a > 1 && vars["b"] == output.vars'], { x: ['{{ vars.c | upcase }}'] }, 'none')).toEqual(
    new Set(['a', 'b', 'c']),
  )
  expect(of(['vars[output.name] == 1'])).toBeNull()
  expect(of([], '{% for v in vars %}{{ v }}{% endfor %}')).toBeNull()
})

test('many at once are each within their own deadline', async () => {
  expect(deadlineMs).toBeGreaterThan(0)
  const all = await Promise.all(Array.from({ length: 200 }, (_, i) => fillTemplates('{{ output }}', { output: i })))
  expect(all).toEqual(Array.from({ length: 200 }, (_, i) => i))
})

test('who lets others wait for too long is asked nothing for a while; nobody else notices', async () => {
  charge('mallory', 6000)
  const asked = (account: string) => chargedTo(account, () => evaluateCondition('output.n == 3', names))
  expect(await problem(asked('mallory'))).toMatch(/^is not asked: expressions of this account took more than 5000 ms/)
  expect(await asked('anna')).toBe(true)
  expect(await evaluateCondition('output.n == 3', names)).toBe(true)
})

test('templates that would hold up the main thread are refused by their size', () => {
  const [whole] = checkTemplates({ text: '{{ output.a }}'.repeat(10_000) })
  expect(whole).toEqual({ field: '', message: 'has templates of 140000 characters: at most 131072 together' })
  expect(checkTemplates({ text: '{{ output.a }}'.repeat(5000) })).toMatchObject([{ field: 'text' }])
  expect(checkTemplates({ text: 'x'.repeat(200_000) })).toEqual([])
})
