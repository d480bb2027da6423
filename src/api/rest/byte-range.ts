/** One range of `Range: bytes=…` against a known size (RFC 9110 §14). Pure. */
export type ByteRange = { kind: 'all' } | { kind: 'part'; start: number; end: number } | { kind: 'unsatisfiable' }

/** `end` is exclusive. What cannot be read as one range is ignored, as the RFC asks. */
export function byteRange(header: string | undefined, size: number): ByteRange {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.replaceAll(' ', '') ?? '')
  if (match === null) return { kind: 'all' }
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return { kind: 'all' }
  if (first === '') {
    const start = Math.max(0, size - Number(last))
    return start < size ? { kind: 'part', start, end: size } : { kind: 'unsatisfiable' }
  }
  const start = Number(first)
  const end = last === '' ? size : Math.min(size, Number(last) + 1)
  if (last !== '' && Number(last) < start) return { kind: 'all' }
  return start < size ? { kind: 'part', start, end } : { kind: 'unsatisfiable' }
}
