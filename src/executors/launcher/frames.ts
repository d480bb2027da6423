/** Frames between launcher and starter: u32 length, then fields (u32 length, bytes), little endian. */

export function encodeFrame(fields: (string | Buffer)[]): Buffer {
  let size = 4
  const lengths = fields.map((field) => {
    const length = typeof field === 'string' ? Buffer.byteLength(field) : field.length
    size += 4 + length
    return length
  })
  const frame = Buffer.allocUnsafe(size)
  let at = frame.writeUInt32LE(size - 4, 0)
  fields.forEach((field, i) => {
    at = frame.writeUInt32LE(lengths[i]!, at)
    if (typeof field === 'string') frame.write(field, at)
    else field.copy(frame, at)
    at += lengths[i]!
  })
  return frame
}

/** Bytes in pieces → whole frames. */
export function createFrameReader(onFrame: (fields: string[]) => void): (bytes: Buffer) => void {
  let held: Buffer = Buffer.alloc(0)
  return (piece) => {
    const bytes = held.length === 0 ? piece : Buffer.concat([held, piece])
    let at = 0
    while (at + 4 <= bytes.length) {
      const end = at + 4 + bytes.readUInt32LE(at)
      if (end > bytes.length) break
      const fields: string[] = []
      for (let from = at + 4; from < end;) {
        const to = from + 4 + bytes.readUInt32LE(from)
        fields.push(bytes.toString('utf8', from + 4, to))
        from = to
      }
      at = end
      onFrame(fields)
    }
    held = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at))
  }
}
