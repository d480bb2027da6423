/** Places in a record file with the output before them, to find an offset without reading from the beginning. */
import type { LogStream } from './log-store.ts'

export interface Checkpoint {
  /** Of the record file, where a record begins. */
  position: number
  stdout: number
  stderr: number
}

export const start: Checkpoint = { position: 0, stdout: 0, stderr: 0 }

export const outputBefore = (place: { stdout: number; stderr: number }, stream: LogStream): number =>
  stream === 'all' ? place.stdout + place.stderr : place[stream]

/** The last of `count` checkpoints with at most `offset` bytes of the stream before it; the first one has none. */
export function lastBefore(
  count: number,
  at: (i: number) => Checkpoint,
  stream: LogStream,
  offset: number,
): Checkpoint {
  let low = 0
  let high = count - 1
  if (count === 0 || offset <= 0) return start
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (outputBefore(at(middle), stream) <= offset) low = middle
    else high = middle - 1
  }
  return at(low)
}

/** For a log that grows: at most 4096 places, however long it gets; then every second one goes. */
export interface Checkpoints {
  /** Offered before a record, at least once in `shortestStride` bytes. */
  offer(place: Checkpoint): void
  near(stream: LogStream, offset: number): Checkpoint
  /** Memory, about. */
  bytes(): number
}

const most = 4096
export const shortestStride = 64 * 1024

export function createCheckpoints(): Checkpoints {
  let places: Checkpoint[] = [start]
  let stride = shortestStride
  return {
    offer(place) {
      if (place.position - places.at(-1)!.position < stride) return
      places.push({ position: place.position, stdout: place.stdout, stderr: place.stderr })
      if (places.length <= most) return
      places = places.filter((_, i) => i % 2 === 0)
      stride *= 2
    },
    near: (stream, offset) => lastBefore(places.length, (i) => places[i]!, stream, offset),
    bytes: () => places.length * 64,
  }
}
