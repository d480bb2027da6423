/** What JSON can say. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** Levels of a value that came as JSON, counted up to `most` + 1: level by level, since a recursion over 10,000 of them would end with our stack. */
export function depthOf(value: unknown, most: number): number {
  const inner = (v: unknown): unknown[] => (typeof v === 'object' && v !== null ? Object.values(v) : [])
  let depth = 0
  for (let level = [value]; level.length > 0 && depth <= most; depth++) level = level.flatMap(inner)
  return depth
}
