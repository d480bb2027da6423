import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRedactor } from './redactor.ts'
import { secretForms } from './secret-forms.ts'

function redact(secrets: string[], chunks: Buffer[]): Buffer {
  const redactor = createRedactor(secrets)
  return Buffer.concat([...chunks.map((chunk) => Buffer.from(redactor.push(chunk))), redactor.flush()])
}
const all = (secrets: string[], text: string | Buffer): string => redact(secrets, [Buffer.from(text)]).toString()

/** The same by definition: every place of every form, overlapping ones made one. */
function naive(secrets: string[], text: Buffer): string {
  const places: { from: number; to: number }[] = []
  for (const form of secretForms(secrets)) {
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1))
      places.push({ from: at, to: at + form.length })
  }
  places.sort((a, b) => a.from - b.from || b.to - a.to)
  let output = ''
  let done = 0
  let to = -1
  for (const place of places) {
    if (place.from >= to) {
      output += text.subarray(Math.max(done, 0), place.from).toString('latin1') + '***'
      to = place.to
    } else to = Math.max(to, place.to)
    done = to
  }
  return output + text.subarray(done).toString('latin1')
}

const secret = 'p@ss "w/ö\'rd$&+'

test('every form of a secret is masked wherever the output is cut', () => {
  const raw = Buffer.from(secret)
  const forms = [
    raw,
    ...[0, 1, 2].map((shift) =>
      Buffer.from(Buffer.concat([Buffer.alloc(shift, 'x'), raw, Buffer.from('yz')]).toString('base64')),
    ),
    Buffer.from(encodeURIComponent(secret)),
    Buffer.from(new URLSearchParams({ a: secret }).toString().slice(2)),
    Buffer.from(JSON.stringify(secret)),
    Buffer.from(`'${secret.replaceAll("'", `'\\''`)}'`),
    Buffer.from(raw.toString('hex')),
    Buffer.from(raw.toString('hex').toUpperCase()),
    Buffer.from([...raw].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')),
    Buffer.from(JSON.stringify(JSON.stringify(secret)).slice(3, -3)),
    Buffer.from('p@ss &quot;w/ö&#39;rd$&amp;+'),
    Buffer.from([...raw].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')),
  ]
  for (const form of forms) {
    const text = Buffer.concat([Buffer.from('before '), form, Buffer.from(' after')])
    const whole = redact([secret], [text]).toString()
    expect(whole).toContain('***')
    // What base64 leaves at the edges of a shift are characters that also hold bits of the neighbours.
    expect(whole.length).toBeLessThanOrEqual('before *** after'.length + 8)
    for (let cut = 0; cut <= text.length; cut++) {
      expect(redact([secret], [text.subarray(0, cut), text.subarray(cut)]).toString()).toBe(whole)
    }
    expect(
      redact(
        [secret],
        [...text].map((byte) => Buffer.of(byte)),
      ).toString(),
    ).toBe(whole)
  }
})

test('any secrets, any text, any cuts: the same as a search through the whole', () => {
  // Few letters, so that secrets overlap with themselves and each other.
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '"', '\n'), minLength: 1, maxLength: 8 })
  const piece = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'b', '"', '\\', '\n', 'Y', '%'), maxLength: 12 }),
    fc.nat(30),
  )
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 4 }),
      fc.array(piece, { maxLength: 12 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
      (secrets, pieces, sizes) => {
        const forms = secretForms(secrets)
        const parts = pieces.map((part) =>
          typeof part === 'string' ? Buffer.from(part) : (forms[part % forms.length] ?? Buffer.alloc(0)),
        )
        const text = Buffer.concat(forms.length === 0 ? [] : parts)
        const chunks: Buffer[] = []
        for (let at = 0; at < text.length;) {
          const size = sizes.next().value as number
          chunks.push(text.subarray(at, at + size))
          at += size
        }
        expect(redact(secrets, chunks).toString('latin1')).toBe(naive(secrets, text))
      },
    ),
    { numRuns: 500 },
  )
})

test('line-broken base64, CRLF and a trailing newline of a key file are no way around', () => {
  const key = `-----BEGIN KEY-----\n${'Abc1'.repeat(40)}\n-----END KEY-----\n`
  const wrapped = Buffer.from(key).toString('base64').replaceAll(/.{76}/g, '$&\n')
  expect(all([key], key.trimEnd())).toBe('***')
  expect(all([key], key.replaceAll('\n', '\r\n'))).toMatch(/^\*\*\*\s*$/)
  expect(all([key], `${wrapped}\n`)).toBe('***\n')
})

test('a line of a secret is one, however it is printed; a short one is none', () => {
  const lines = ['-----BEGIN KEY-----', 'MIIEvQIBADANBgkq/+8', '  password: "hunter&2"', 'port: 1', '}']
  const file = lines.join('\r\n')
  for (const line of [lines[1]!, lines[2]!.trim()]) {
    expect(all([file], `12  ${line}!`)).toBe('12  ***!')
    expect(all([file], `{"at":${JSON.stringify(line)}}`)).toBe('{"at":"***"}')
    expect(all([file], `?q=${encodeURIComponent(line)}`)).toBe('?q=***')
    expect(all([file], Buffer.from(line).toString('base64'))).toBe('***')
  }
  expect(all([file], 'port: 1 }')).toBe('port: 1 }')
})

test('a long secret of many lines is compiled in a moment, and its last line is masked', () => {
  const lines = Array.from({ length: 4000 }, (_, i) => `line-${String(i * 7919).padStart(10, 'x')}`)
  const begin = performance.now()
  const redactor = createRedactor([lines.join('\n')])
  expect(performance.now() - begin).toBeLessThan(5000)
  expect(redactor.push(Buffer.from(`a ${lines[3999]} .`)).toString()).toBe('a *** .')
})

test('as HTML, JSON in JSON and base64 in lines have it', () => {
  for (const html of [
    'p@ss &quot;w/ö&#x27;rd$&amp;+',
    'p@ss &quot;w/ö&apos;rd$&amp;+',
    'p@ss &quot;w/ö&#039;rd$&amp;+',
    'p@ss &#34;w/ö&#39;rd$&amp;+',
    `p@ss &quot;w/ö'rd$&amp;+`,
    `p@ss "w/ö'rd$&amp;+`,
  ])
    expect([html, all([secret], html)]).toEqual([html, '***'])
  const inJson = (text: string): string => JSON.stringify({ text })
  expect(all([secret], inJson(inJson(inJson(secret))))).not.toContain('p@ss')
  const escaped = JSON.stringify(secret).replaceAll('ö', '\\u00f6')
  expect(all([secret], inJson(escaped))).not.toContain('p@ss')
  for (let before = 0; before < 60; before++) {
    const encoded = Buffer.from(`${'x'.repeat(before)}${secret}${'y'.repeat(60)}`).toString('base64')
    for (const end of ['\n', '\r\n']) expect(all([secret], encoded.replaceAll(/.{76}/g, `$&${end}`))).toContain('***')
  }
})

test('bytes that are no text pass unchanged, and secrets shorter than 4 bytes are not masked', () => {
  const bytes = Buffer.from([0, 255, 254, 195, 40, 0, 13])
  expect(redact(['topsecret'], [bytes])).toEqual(bytes)
  expect(all(['abc', ''], 'abc abc')).toBe('abc abc')
  expect(all(['abcd'], 'abcdabcd')).toBe('******')
})

test('only what may be the beginning of a secret is held back', () => {
  const redactor = createRedactor(['hunter22'])
  expect(redactor.push(Buffer.from('password: ')).toString()).toBe('password: ')
  expect(redactor.push(Buffer.from('hun')).toString()).toBe('')
  expect(redactor.push(Buffer.from('gry')).toString()).toBe('hungry')
  expect(redactor.push(Buffer.from('hunt')).toString()).toBe('')
  expect(redactor.flush().toString()).toBe('hunt')
})

test('the worst output costs no more for each byte than harmless output', () => {
  const long = `${'a'.repeat(4000)}b`
  const cost = (byte: string, size: number): number => {
    const redactor = createRedactor([long])
    const chunk = Buffer.alloc(1000, byte)
    const begin = performance.now()
    for (let done = 0; done < size; done += chunk.length) redactor.push(chunk)
    return performance.now() - begin
  }
  cost('a', 1e6)
  // Quadratic would be 16 times here.
  expect(cost('a', 4e6)).toBeLessThan(Math.max(100, cost('a', 1e6)) * 10)
  // Byte by byte, with the beginning of a secret held all the time.
  const redactor = createRedactor([long])
  const begin = performance.now()
  for (let i = 0; i < 1e6; i++) redactor.push(Buffer.from('a'))
  expect(performance.now() - begin).toBeLessThan(5000)
})

test('a mask that never ends holds no memory', () => {
  const redactor = createRedactor(['aaaa'])
  let written = 0
  for (let i = 0; i < 2000; i++) written += redactor.push(Buffer.alloc(10_000, 'a')).length
  expect(written).toBe(0)
  expect(redactor.flush().toString()).toBe('***')
})

test('without secrets the bytes pass untouched', () => {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  const redactor = createRedactor([])
  expect(redactor.push(chunk)).toBe(chunk)
})
