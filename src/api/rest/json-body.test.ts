import { expect, test } from 'vitest'
import { parseJsonBody, RefusedBody } from './json-body.ts'

const refusal = (text: string | Buffer): { message: string; fields: string[] } => {
  try {
    const body = parseJsonBody(Buffer.from(text))
    if (body instanceof RefusedBody) return { message: 'refused', fields: body.problems.map((p) => p.field) }
  } catch (error) {
    const { message, fields } = error as { message: string; fields: { field: string }[] }
    return { message, fields: fields.map((f) => f.field) }
  }
  return { message: 'taken', fields: [] }
}

test('ordinary JSON is taken as it is', () => {
  expect(parseJsonBody(Buffer.from('{"a":[1,{"b":"ü"}]}'))).toEqual({ a: [1, { b: 'ü' }] })
  expect(parseJsonBody(Buffer.alloc(0))).toBeUndefined()
})

test('what is no JSON or no UTF-8 is a 400', () => {
  expect(refusal('{"a":').message).toMatch(/not valid JSON/)
  expect(refusal(Buffer.from([0x22, 0xff, 0x22])).message).toMatch(/not valid JSON/)
})

test('prototype keys, NUL, half surrogates and depth are named by their field', () => {
  expect(refusal('{"jobs":[{"__proto__":{"role":"admin"}}]}').fields).toEqual(['jobs[0].__proto__'])
  expect(refusal(String.raw`{"a":{"b":["x","y\u0000"]}}`).fields).toEqual(['a.b[1]'])
  expect(refusal(String.raw`{"\u005f_proto__":1}`).fields).toEqual(['__proto__'])
  expect(refusal(String.raw`{"payload":"\ud800"}`).fields).toEqual(['payload'])
  expect(refusal('['.repeat(10_000) + ']'.repeat(10_000)).message).toMatch(/nested deeper/)
})

test('R11: a key that is there twice is named, however it is written', () => {
  expect(refusal('{"role":"viewer","role":"admin"}').fields).toEqual(['role'])
  expect(refusal(String.raw`{"a":[{"b":1},{"b":1,"\u0062":2}]}`).fields).toEqual(['a[1].b'])
  expect(refusal('{"a":{"x":1,"y":{"x":2}},"b":"a","c":["b","b"]}').message).toBe('taken')
  expect(refusal(String.raw`{"a\":1,":"x\\","b":"}{\":","c" : "\""}`).message).toBe('taken')
})

test('ten megabytes of escaped quotes are read in one pass', () => {
  const text = JSON.stringify({ a: '\\"'.repeat(1_000_000), b: 1 })
  expect(parseJsonBody(Buffer.from(text))).toMatchObject({ b: 1 })
})
