import Anser from 'anser'

/** A piece of a line that looks the same throughout. Only ever rendered as a text node. */
export interface Segment {
  text: string
  className: string
  colour?: string
  background?: string
}

/* oxlint-disable no-control-regex -- control characters are what this file is about */
// Strings meant for the terminal itself, not for the reader: OSC (titles, links, clipboard), DCS, SOS, PM, APC.
const terminalStrings = /\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)/g
// Every control sequence that is not a plain colour (`ESC [ 1 ; 31 m`).
const otherSequences = /\x1b\[(?![0-9;]*m)[0-?]*[ -/]*[@-~]/g
const colours = /\x1b\[([0-9;]*)m/g
const strayEscapes = /\x1b(?!\[[0-9;]*m)/g
const controls = /[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f]/g
/* oxlint-enable no-control-regex */
// Letters that reorder or hide their neighbours: shown by their number, so that a line reads as it is.
const invisible = /[\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g

/** The line with nothing in it but text and colours. What is cut off or unknown is shown, never swallowed. */
export function harmless(line: string): string {
  const text = line.includes('\x1b')
    ? line.replace(terminalStrings, '').replace(otherSequences, '').replace(strayEscapes, '')
    : line
  return text
    .replace(controls, visibleControl)
    .replace(invisible, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`)
}

/** NUL and BEL and the like as their picture (␀ ␇), so that binary output is seen for what it is. */
function visibleControl(c: string): string {
  const code = c.charCodeAt(0)
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  return code === 0x7f ? '␡' : '\ufffd'
}

const ordinary = /^[\x20-\x7e]*$/

/** Only the text: what is searched and copied. */
export const plainText = (line: string): string => (ordinary.test(line) ? line : harmless(line).replace(colours, ''))

const carriedLength = 96

/** The colours still switched on after this line: a terminal does not reset them at a newline. */
export function carriedColours(before: string, line: string): string {
  if (!line.includes('\x1b[')) return before
  let carried = before
  for (const [sequence, codes = ''] of line.matchAll(colours)) {
    carried = /^(?:.*;)?0*$/.test(codes) ? '' : carried + sequence
  }
  if (carried.length <= carriedLength) return carried
  const cut = carried.indexOf('\x1b', carried.length - carriedLength)
  return cut < 0 ? '' : carried.slice(cut)
}

/** A line as coloured pieces of text. */
export function segments(line: string, carried = ''): Segment[] {
  const text = harmless(line)
  if (carried === '' && !text.includes('\x1b')) return text === '' ? [] : [{ text, className: '' }]
  return Anser.ansiToJson(carried + text, { use_classes: true, remove_empty: true }).map((entry) => ({
    text: entry.content,
    className: classNames(entry),
    ...exactColour('colour', entry.fg, entry.fg_truecolor),
    ...exactColour('background', entry.bg, entry.bg_truecolor),
  }))
}

function classNames(entry: Anser.AnserJsonEntry): string {
  const names: string[] = entry.decorations.map((decoration) => `ansi-${decoration}`)
  const named = /^ansi-(bright-)?(black|red|green|yellow|blue|magenta|cyan|white)$/
  if (named.test(entry.fg ?? '')) names.push(`${entry.fg}-fg`)
  if (named.test(entry.bg ?? '')) names.push(`${entry.bg}-bg`)
  return names.join(' ')
}

function exactColour(key: 'colour' | 'background', name: string | null, rgb: string | null): Partial<Segment> {
  if (name === 'ansi-truecolor' && rgb) return { [key]: `rgb(${rgb})` }
  const palette = /^ansi-palette-(\d+)$/.exec(name ?? '')
  return palette ? { [key]: paletteColour(Number(palette[1])) } : {}
}

/** The xterm palette above its 16 named colours: a 6×6×6 cube and 24 greys. */
function paletteColour(n: number): string {
  if (n >= 232)
    return `rgb(${Array(3)
      .fill(8 + (n - 232) * 10)
      .join(', ')})`
  const level = (i: number) => (i === 0 ? 0 : 55 + i * 40)
  const cube = n - 16
  return `rgb(${level(Math.floor(cube / 36))}, ${level(Math.floor(cube / 6) % 6)}, ${level(cube % 6)})`
}
