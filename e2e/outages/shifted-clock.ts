/** For `node --import`: the date of this process is off by what the file in TEST_CLOCK_FILE says, in milliseconds. */
import { readFileSync } from 'node:fs'

const file = process.env['TEST_CLOCK_FILE']
const TrueDate = Date
let shift = 0

const look = (): void => {
  try {
    shift = Number(readFileSync(file ?? '', 'utf8')) || 0
  } catch {
    // Not written yet.
  }
}

class ShiftedDate extends TrueDate {
  constructor(...given: unknown[]) {
    if (given.length === 0) super(TrueDate.now() + shift)
    else super(...(given as [number]))
  }
  static override now(): number {
    return TrueDate.now() + shift
  }
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof TrueDate
  }
}

if (file !== undefined) {
  look()
  setInterval(look, 50).unref()
  globalThis.Date = ShiftedDate as DateConstructor
}
