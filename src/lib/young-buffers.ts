/**
 * Bytes that pass through a process leave their buffers behind as garbage: of sockets that Node reads, of pages, of
 * frames. V8 counts them as memory outside its heap and answers every 16 MiB or so with a collection of the whole heap,
 * which took two thirds of the CPU of log shipping and let some hundred MiB pile up. They all die young, so a look at
 * the young generation alone, a millisecond, finds them. V8 makes it only when its own objects fill that generation, and
 * these buffers have next to none; so whoever moves many bytes says so here.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const collectEvery = 24 * 1024 * 1024

let passed = 0
let scheduled = false
let minor: (() => void) | null | undefined

/** So many bytes of buffers were used once and will not be used again. */
export function passedOn(bytes: number): void {
  passed += bytes
  if (passed < collectEvery || scheduled) return
  scheduled = true
  // When the stack is empty: what is in use right now would grow old.
  setImmediate(() => {
    scheduled = false
    passed = 0
    minor ??= minorCollection()
    minor()
  })
}

function minorCollection(): () => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void
  setFlagsFromString('--no-expose-gc')
  return () => collect({ type: 'minor' })
}
