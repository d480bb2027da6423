import type { LogBlock } from './log-block.ts'
import { blockOf, type LogBuffer } from './log-buffer.ts'

/**
 * Which row of the screen each line begins in, when long lines go on in the next row after `columns` characters. Sums
 * are kept for each block, so a million lines are counted once (10 ms), and growing costs only the newest ones.
 */
export class RowMap {
  readonly #buffer: LogBuffer
  readonly #columns: number
  readonly #rowsOf = new WeakMap<LogBlock, number>()
  /** Row in which each block begins, and after the last one the rows of all. */
  #starts: number[] = [0]
  #looseLines = 0

  /** `columns` Infinity: no line is wrapped. */
  constructor(buffer: LogBuffer, columns: number) {
    this.#buffer = buffer
    this.#columns = columns
  }

  /** Rows of the whole; to be asked first after the buffer changed. */
  total(): number {
    const { blocks, length } = this.#buffer
    if (this.#columns === Infinity) return length
    this.#starts = [0]
    for (const block of blocks) this.#starts.push(this.#starts.at(-1)! + this.#rows(block))
    this.#looseLines = blocks.reduce((n, block) => n + block.length, 0)
    let rows = this.#starts.at(-1)!
    for (let index = this.#looseLines; index < length; index++) rows += this.rowsAt(index)
    return rows
  }

  rowsAt(index: number): number {
    return this.#columns === Infinity ? 1 : rowsFor(this.#buffer.cellsAt(index), this.#columns)
  }

  /** The row in which a line begins. */
  rowOf(index: number): number {
    if (this.#columns === Infinity) return index
    const { blocks, firstNumber } = this.#buffer
    const loose = index >= this.#looseLines
    const place = loose ? blocks.length : blockOf(blocks, firstNumber + index)
    let at = loose ? this.#looseLines : blocks[place]!.first - firstNumber
    let row = this.#starts[place]!
    for (; at < index; at++) row += this.rowsAt(at)
    return row
  }

  /** The line that has a row, and where it begins. */
  lineAt(row: number): { index: number; row: number } {
    const last = Math.max(0, this.#buffer.length - 1)
    if (this.#columns === Infinity) return { index: Math.min(row, last), row: Math.min(row, last) }
    const { blocks, firstNumber } = this.#buffer
    let place = 0
    while (place < blocks.length && this.#starts[place + 1]! <= row) place++
    let index = place < blocks.length ? blocks[place]!.first - firstNumber : this.#looseLines
    let begin = this.#starts[place]!
    while (index < last) {
      const next = begin + this.rowsAt(index)
      if (next > row) break
      begin = next
      index++
    }
    return { index, row: begin }
  }

  #rows(block: LogBlock): number {
    let rows = this.#rowsOf.get(block)
    if (rows === undefined) {
      rows = 0
      for (let i = 0; i < block.length; i++) rows += rowsFor(block.cellsAt(i), this.#columns)
      this.#rowsOf.set(block, rows)
    }
    return rows
  }
}

const rowsFor = (cells: number, columns: number) => Math.max(1, Math.ceil(cells / columns))
