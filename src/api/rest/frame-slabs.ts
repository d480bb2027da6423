/**
 * Memory for WebSocket frames, used again when nobody needs it any more: frames of a busy log live just long enough to
 * grow old, and would be collected with the whole heap only.
 */
export interface Slab {
  readonly bytes: Buffer
  /** One more user; whoever made it is the first. */
  keep(): void
  /** After the last of them its memory serves for other frames. */
  release(): void
}

export const slabBytes = 256 * 1024
/** Less than this is not worth a slab. */
const leastBytes = 32 * 1024
const mostIdle = 16

const idle: ArrayBuffer[] = []
let inUse = 0

/** Memory that frames hold now, whoever waits for them. */
export const frameBytes = (): number => inUse

export function takeSlab(length: number): Slab {
  const pooled = length > leastBytes && length <= slabBytes
  const memory = pooled ? (idle.pop() ?? new ArrayBuffer(slabBytes)) : undefined
  const held = memory?.byteLength ?? length
  let users = 1
  inUse += held
  return {
    bytes: memory ? Buffer.from(memory, 0, length) : Buffer.allocUnsafeSlow(length),
    keep() {
      if (users === 0) throw new Error('a slab was used after its release')
      users += 1
    },
    release() {
      users -= 1
      if (users > 0) return
      inUse -= held
      if (memory && idle.length < mostIdle) idle.push(memory)
    },
  }
}
