/** How far a batch is, in one line. */
import type { Batch } from '../api/contract/index.ts'
import { paint } from './render.ts'
import { showDuration } from './units.ts'

type Counts = Batch['counts']

/** In the order of the bar; each has a sign of its own, because colours are not for everybody. */
const parts = [
  { key: 'passed', sign: '█', colour: 'green' },
  { key: 'failed', sign: '▓', colour: 'red' },
  { key: 'cancelled', sign: '▒', colour: 'magenta' },
  { key: 'running', sign: '░', colour: 'yellow' },
  { key: 'waiting', sign: '·', colour: 'gray' },
] as const

/** Cells of each part; what is there at all is seen, so that one failure of 10,000 is. */
export function cells(counts: Counts, width: number): number[] {
  const shown = parts.filter(({ key }) => counts[key] > 0)
  if (counts.total === 0 || shown.length > width) return parts.map(() => 0)
  const spare = width - shown.length
  const exact = parts.map(({ key }) => (counts[key] > 0 ? 1 + (spare * counts[key]) / counts.total : 0))
  const floors = exact.map(Math.floor)
  const order = exact.map((value, i) => ({ i, rest: value - floors[i]! })).toSorted((a, b) => b.rest - a.rest)
  let left = width - floors.reduce((sum, each) => sum + each, 0)
  for (const { i } of order) {
    if (left === 0 || exact[i] === 0) break
    floors[i]! += 1
    left -= 1
  }
  return floors
}

export function bar(counts: Counts, width: number): string {
  const widths = cells(counts, width)
  return parts.map(({ sign, colour }, i) => (widths[i] === 0 ? '' : paint(colour, sign.repeat(widths[i]!)))).join('')
}

/** `312/500: 300 passed, 12 failed, 8 running, 180 waiting`; zeros are left out. */
export function countsText(counts: Counts, coloured = false): string {
  const done = counts.passed + counts.failed + counts.cancelled
  const words = parts
    .filter(({ key }) => counts[key] > 0)
    .map(({ key, colour }) => (coloured ? paint(colour, `${counts[key]} ${key}`) : `${counts[key]} ${key}`))
  return `${done}/${counts.total}: ${words.join(', ')}`
}

/** Fits into `width` cells. The bar is as wide as ever, so that what moves in it is the batch. */
export function progressLine(batch: Batch, width: number, now = Date.now()): string {
  const took = showDuration(batch.duration_ms ?? now - Date.parse(batch.started_at ?? batch.created_at))
  const plain = `${countsText(batch.counts)}  ${took}`
  const cellsOfBar = Math.min(40, Math.floor(width / 3))
  const room = width - cellsOfBar - 2
  if (cellsOfBar < 8) return plain.slice(0, width)
  const words = plain.length > room ? plain.slice(0, room) : `${countsText(batch.counts, true)}  ${took}`
  return `${bar(batch.counts, cellsOfBar)}  ${words}`
}
