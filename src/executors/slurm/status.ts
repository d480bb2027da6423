/** What the wrapper of an attempt has written down (`wrapper.ts`). Its job could write it too, so it is read strictly. */
import { constants as os } from 'node:os'

export interface WrapperStatus {
  /** Node that it stands ready on. */
  ready?: string
  started: boolean
  /** It never ran: whose fault, and why. */
  refused?: { why: 'start' | 'exec' | 'refused' | 'infrastructure'; words: string }
  ended?: WrapperEnd
}

export interface WrapperEnd {
  exitCode: number | null
  signal: string | null
  ranMs: number
  cpuMs: number
  memoryPeak: number
  remaining: number
  stdoutBytes: number
  stderrBytes: number
  filesLate: boolean
}

/** Longer is no status. */
export const statusBytes = 16 * 1024

const signals = new Map(
  Object.entries(os.signals)
    .toReversed()
    .map(([name, number]) => [number, name]),
)
const refusals = { start: 'start', 'start-exec': 'exec', refused: 'refused', infrastructure: 'infrastructure' } as const

export function statusIn(text: string): WrapperStatus {
  const status: WrapperStatus = { started: false }
  // The last one may still be being written.
  for (const line of text.split('\n').slice(0, -1)) {
    const [word = '', ...rest] = line.split(' ')
    if (word === 'ready') status.ready ??= rest.join(' ')
    else if (word === 'started') status.started = true
    else if (Object.hasOwn(refusals, word)) {
      status.refused ??= { why: refusals[word as keyof typeof refusals], words: rest.join(' ').slice(0, 2000) }
    } else if (word === 'ended') status.ended ??= endIn(rest)
  }
  return status
}

function endIn(words: string[]): WrapperEnd | undefined {
  const numbers = words.map(Number)
  if (numbers.length !== 9 || !numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) return undefined
  const [code, signal, ranMs, cpuMs, memoryPeak, remaining, stdoutBytes, stderrBytes, late] = numbers as [
    ...[number, number, number, number, number],
    ...[number, number, number, number],
  ]
  return {
    exitCode: signal > 0 ? 128 + signal : code,
    signal: signal > 0 ? (signals.get(signal) ?? `SIG${signal}`) : null,
    ...{ ranMs, cpuMs, memoryPeak, remaining, stdoutBytes, stderrBytes },
    filesLate: late === 1,
  }
}
