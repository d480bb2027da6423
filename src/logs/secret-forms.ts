/** The forms in which programs print a secret. */

/** Shorter ones would mask ordinary output and protect nothing: three characters are guessed, not read. */
export const shortestSecret = 4

/** Encoded forms multiply a secret by about ten; behind this sum (smallest first) only the raw form is looked for. */
const mostEncodedBytes = 64 * 1024

export function secretForms(secrets: Iterable<string>): Buffer[] {
  const forms = new Map<string, Buffer>()
  const add = (form: Buffer): void => {
    if (form.length >= shortestSecret) forms.set(form.toString('latin1'), form)
  }
  const usable = [...new Set(secrets)].map((text) => ({ text, raw: Buffer.from(text) }))
  let encoded = 0
  for (const { text, raw } of usable.sort((a, b) => a.raw.length - b.raw.length)) {
    if (raw.length < shortestSecret) continue
    add(raw)
    // A value read from a file usually ends in a newline, and is printed without.
    const trimmed = text.replace(/\s+$/, '')
    if (trimmed !== text) add(Buffer.from(trimmed))
    encoded += raw.length
    if (encoded > mostEncodedBytes) continue
    for (const value of new Set([text, trimmed])) {
      if (Buffer.byteLength(value) >= shortestSecret) for (const form of encodedForms(value)) add(form)
    }
  }
  return [...forms.values()]
}

function* encodedForms(text: string): Generator<Buffer> {
  const raw = Buffer.from(text)
  for (const form of [...jsonForms(text), ...urlForms(raw), ...shellForms(text)]) yield Buffer.from(form)
  if (text.includes('\n')) yield Buffer.from(text.replaceAll('\n', '\r\n'))
  yield Buffer.from(raw.toString('hex'))
  yield Buffer.from(raw.toString('hex').toUpperCase())
  // Python's repr of bytes and C escape everything that is no letter so; some write all of it.
  yield Buffer.from(raw.toString('hex').replaceAll(/../g, '\\x$&'))
  yield Buffer.from(htmlForm(text))
  yield* base64Forms(raw)
}

function* jsonForms(text: string): Generator<string> {
  const json = JSON.stringify(text).slice(1, -1)
  const ascii = json.replaceAll(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  // A line of a log that is JSON has the JSON of something else in it.
  for (const form of [json, ascii, JSON.stringify(json).slice(1, -1)]) {
    yield form
    yield form.replaceAll('/', '\\/') // PHP
    // Go and Python's template filters write these three as \u00xx.
    yield form.replaceAll(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)
  }
}

/** As an error page quotes it. */
const htmlForm = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? '&#39;')

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
