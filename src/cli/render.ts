/** What people see: tables that fit the terminal, colour only where it is a terminal, JSON for programs. */
import { stripVTControlCharacters, styleText } from 'node:util'
import Table from 'cli-table3'

export interface Column {
  title: string
  /** Gives way when the terminal is too narrow; at most one. */
  shrinks?: boolean
}

type Colour = Parameters<typeof styleText>[0]

export const paint = (colour: Colour, text: string): string => styleText(colour, text, { stream: process.stdout })

/** A job's name is anybody's text: nothing in it may move the cursor or set a title. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text).replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '·')

const noLines = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '' },
  ...{ 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
}

/** Two spaces between columns; the shrinking one ends in `…`. Piped output is never cut. */
export function table(columns: Column[], rows: string[][], width = terminalWidth()): string {
  const widths = columns.map((column, i) =>
    rows.reduce((most, row) => Math.max(most, widthOf(row[i] ?? '')), widthOf(column.title)),
  )
  const over = widths.reduce((sum, w) => sum + w, 0) + 2 * (columns.length - 1) - (width ?? Infinity)
  const shrinking = columns.findIndex((column) => column.shrinks)
  if (over > 0 && shrinking >= 0) widths[shrinking] = Math.max(8, widths[shrinking]! - over)
  const lines: string[] = []
  for (let from = 0; from === 0 || from < rows.length; from += rowsAtOnce) {
    const printed = plainTable({
      head: from === 0 ? columns.map((column) => paint('bold', column.title)) : [],
      colWidths: widths,
    })
    printed.push(...rows.slice(from, from + rowsAtOnce))
    lines.push(...printed.toString().split('\n'))
  }
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

/** The library compares every row with all before it: 10,000 at once took 23 s. */
const rowsAtOnce = 50

const plainTable = (options: Table.TableConstructorOptions) =>
  new Table({
    chars: noLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    ...options,
  })

/** In columns of a terminal; letters of some scripts take two. */
function widthOf(cell: string): number {
  const text = stripVTControlCharacters(cell)
  if (/^[ -~]*$/.test(text)) return text.length
  // The library fills up to what is surely enough: a character takes two columns for each of its units at most.
  const room = 2 * text.length
  const printed = plainTable({ colWidths: [room] })
  printed.push([text])
  return room - (printed.toString().length - text.length)
}

export const terminalWidth = (): number | undefined => (process.stdout.isTTY ? process.stdout.columns : undefined)

export const printJson = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

export const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** Behind the address that this machine dials: others may come too. */
export const onAll = (host: string): string => (host === '0.0.0.0' || host === '::' ? ' (on all addresses)' : '')

/** Notices go to stderr, and only where a person reads them. */
export const notice = (line: string, verbose = false): void => {
  if (process.stderr.isTTY || verbose) process.stderr.write(`runyard: ${line}\n`)
}

/** `2026-03-08 02:30`, by the clock of this machine; the same wherever it runs. */
export function dateTime(iso: string): string {
  const at = new Date(iso)
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`
}
