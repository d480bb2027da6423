/** The engine's frames: stream (1 byte: 1 stdout, 2 stderr), three zeros, length (u32, big endian), bytes. */
export type Part = { stream: 'stdout' | 'stderr'; bytes: Buffer }

/** Pieces as they come → parts as they are known; nothing waits for the end of a frame. */
export function createDemux(): (piece: Buffer) => Part[] {
  let head = Buffer.alloc(0)
  let stream: Part['stream'] = 'stdout'
  let left = 0
  return (piece) => {
    const parts: Part[] = []
    let rest = piece
    while (rest.length > 0) {
      if (left > 0) {
        const bytes = rest.subarray(0, left)
        left -= bytes.length
        rest = rest.subarray(bytes.length)
        parts.push({ stream, bytes })
        continue
      }
      const need = 8 - head.length
      head = Buffer.concat([head, rest.subarray(0, need)])
      rest = rest.subarray(need)
      if (head.length < 8) break
      stream = head[0] === 2 ? 'stderr' : 'stdout'
      left = head.readUInt32BE(4)
      head = Buffer.alloc(0)
    }
    return parts
  }
}
