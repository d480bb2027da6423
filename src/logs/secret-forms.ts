/** The forms in which programs print a secret. */

/** Shorter ones would mask ordinary output and protect nothing: three characters are guessed, not read. */
export const shortestSecret = 4

/** Encoded forms multiply a secret by about ten; behind this sum (smallest first) only the raw form is looked for. */
const mostEncodedBytes = 64 * 1024

/** Of lines, together: a private key has 3 KiB. */
const mostEncodedLineBytes = 16 * 1024
/** A shorter line, `}` or `port: 22`, is in a lot of ordinary output. */
const shortestLine = 8
/** Base64 of so much has one line break at most. Each place of a break is a form: of a few secrets only. */
const mostBroken = 48
const mostBrokenBytes = 512

export function secretForms(secrets: Iterable<string>): Buffer[] {
  const forms = new Map<string, Buffer>()
  const add = (form: Buffer): void => {
    if (form.length >= shortestSecret) forms.set(form.toString('latin1'), form)
  }
  const texts = [...new Set(secrets)]
  let encoded = 0
  let broken = 0
  for (const text of bySize(texts)) {
    const size = Buffer.byteLength(text)
    if (size < shortestSecret) continue
    add(Buffer.from(text))
    // A value read from a file usually ends in a newline, and is printed without.
    const trimmed = text.replace(/\s+$/, '')
    if (trimmed !== text) add(Buffer.from(trimmed))
    encoded += size
    if (encoded > mostEncodedBytes) continue
    for (const value of new Set([text, trimmed])) {
      if (Buffer.byteLength(value) >= shortestSecret) for (const form of encodedForms(value)) add(form)
    }
    broken += size
    if (size <= mostBroken && broken <= mostBrokenBytes)
      for (const form of brokenBase64(Buffer.from(trimmed))) add(form)
  }
  let lineBytes = 0
  for (const line of bySize(linesOf(texts))) {
    add(Buffer.from(line))
    lineBytes += Buffer.byteLength(line)
    if (lineBytes <= mostEncodedLineBytes) for (const form of encodedForms(line)) add(form)
  }
  return [...forms.values()]
}

const bySize = (texts: string[]): string[] => texts.sort((a, b) => a.length - b.length)

/** Programs print a key or a file with passwords line by line: indented, numbered, or one of them in an error. */
function linesOf(texts: string[]): string[] {
  const lines = texts.filter((text) => /[\r\n]/.test(text)).flatMap((text) => text.split(/[\r\n]+/))
  return [...new Set(lines.map((line) => line.trim()))].filter((line) => line.length >= shortestLine)
}

function* encodedForms(text: string): Generator<Buffer> {
  const raw = Buffer.from(text)
  for (const form of [...jsonForms(text), ...urlForms(raw), ...shellForms(text)]) yield Buffer.from(form)
  if (text.includes('\n')) yield Buffer.from(text.replaceAll('\n', '\r\n'))
  yield Buffer.from(raw.toString('hex'))
  yield Buffer.from(raw.toString('hex').toUpperCase())
  // Python's repr of bytes and C escape everything that is no letter so; some write all of it.
  yield Buffer.from(raw.toString('hex').replaceAll(/../g, '\\x$&'))
  for (const form of htmlForms(text)) yield Buffer.from(form)
  yield* base64Forms(raw)
}

const quoted = (text: string): string => JSON.stringify(text).slice(1, -1)

function* jsonForms(text: string): Generator<string> {
  const json = quoted(text)
  const ascii = json.replaceAll(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  // A line of a log that is JSON has the JSON of something else in it, which may have that of a third.
  for (const one of [json, ascii]) {
    for (const form of [one, quoted(one), quoted(quoted(one))]) {
      yield form
      yield form.replaceAll('/', '\\/') // PHP
      // Go and Python's template filters write these three as \u00xx.
      yield form.replaceAll(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)
    }
  }
}

/** How the two quotes are written: Python and React, Go, PHP, XML; then by those that leave one or both. */
const quotes: readonly [double: string, single: string][] = [
  ...['&#39;', '&#x27;', '&#039;', '&apos;', `'`].map((single): [string, string] => ['&quot;', single]),
  ...['&#39;', '&#x27;'].map((single): [string, string] => ['&#34;', single]),
  ['"', `'`],
]

/** As an error page quotes it. */
function* htmlForms(text: string): Generator<string> {
  const angled = text.replaceAll(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;' })[c] ?? '&gt;')
  for (const [double, single] of quotes) yield angled.replaceAll('"', double).replaceAll(`'`, single)
}

/** Each encoder leaves other characters alone; some write lower-case hex; forms have + for a space. */
function* urlForms(raw: Buffer): Generator<string> {
  const keeps = [
    /[A-Za-z0-9._~-]/,
    /[A-Za-z0-9._~/-]/,
    /[A-Za-z0-9._*-]/,
    /[A-Za-z0-9._~!'()*-]/,
    /[A-Za-z0-9._~!'()*;/?:@&=+$,#-]/,
    /[^\s\S]/,
  ]
  for (const keep of keeps) {
    for (const upper of [true, false]) {
      let form = ''
      for (const byte of raw) {
        const char = String.fromCharCode(byte)
        const hex = byte.toString(16).padStart(2, '0')
        form += keep.test(char) ? char : `%${upper ? hex.toUpperCase() : hex}`
      }
      yield form
      yield form.replaceAll('%20', '+')
    }
  }
}

function* shellForms(text: string): Generator<string> {
  yield text.replaceAll(`'`, `'\\''`)
  yield text.replaceAll(`'`, `'"'"'`)
  yield text.replaceAll(/["$`\\]/g, '\\$&')
  // bash: printf %q and set -x
  yield text.replaceAll(/[^A-Za-z0-9_@%+=:,./\n\u0080-\uffff-]/g, '\\$&')
  yield text.replaceAll(/['\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r')
}

/**
 * Inside a longer base64 text a secret begins at one of three shifts, and its first and last characters depend on its
 * neighbours. The part that does not is one form; with the end of the text behind it, another.
 */
function* base64Forms(raw: Buffer): Generator<Buffer> {
  for (let shift = 0; shift < 3; shift++) {
    const skipped = Math.ceil((shift * 8) / 6)
    const padded = Buffer.concat([Buffer.alloc(shift), raw]).toString('base64')
    const certain = Math.floor(((shift + raw.length) * 8) / 6)
    const unpadded = padded.replace(/=+$/, '')
    for (const form of [padded.slice(skipped, certain), unpadded.slice(skipped), padded.slice(skipped)]) {
      yield Buffer.from(form)
      yield Buffer.from(form.replaceAll('+', '-').replaceAll('/', '_'))
    }
  }
  // base64(1) and PEM break lines.
  for (const width of [76, 64]) {
    yield Buffer.from(raw.toString('base64').replaceAll(new RegExp(`.{${width}}(?=.)`, 'g'), '$&\n'))
  }
}

/** Inside a longer text that is encoded in lines, the break may come anywhere. */
function* brokenBase64(raw: Buffer): Generator<Buffer> {
  for (let shift = 0; shift < 3; shift++) {
    const whole = Buffer.concat([Buffer.alloc(shift), raw]).toString('base64')
    const form = whole.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + raw.length) * 8) / 6))
    for (let at = 1; at < form.length; at++) {
      for (const end of ['\n', '\r\n']) yield Buffer.from(form.slice(0, at) + end + form.slice(at))
    }
  }
}
