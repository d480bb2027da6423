/** Masks secrets in a stream of bytes as `***`, across chunk edges and in the forms that programs print them in. */
import { secretForms } from './secret-forms.ts'
import { createMatcher, type Matcher } from './secret-matcher.ts'

export type { Matcher }

export interface Redactor {
  /**
   * Masked bytes that can be written now; the beginning of a secret is held until it is one or is none. The result
   * may share memory with `bytes`.
   */
  push(bytes: Buffer): Buffer
  /** The rest, at the end of the stream. */
  flush(): Buffer
}

/** For both streams of an attempt: built once, shared. */
export const compileSecrets = (secrets: Iterable<string>): Matcher => createMatcher(secretForms(secrets))

const mask = Buffer.from('***')
const nothing = Buffer.alloc(0)

/** Secrets that stand side by side have a mask each; overlapping ones have one. */
export function createRedactor(secrets: Iterable<string> | Matcher): Redactor {
  const matcher = 'pairs' in secrets ? secrets : compileSecrets(secrets)
  if (matcher.empty) return { push: (bytes) => bytes, flush: () => nothing }
  const { next, depth, found, pairs } = matcher

  // Positions count from the beginning of the stream.
  let state = 0
  let position = 0
  /** What comes before it is written or lies in the first mask. */
  let written = 0
  /** Masks that may still grow, in order and apart from each other. */
  let masks: { from: number; to: number }[] = []
  const held = createHeld()

  const look = (chunk: Buffer): void => {
    const last = chunk.length - 1
    for (let i = 0; i <= last; i++) {
      const byte = chunk[i]!
      if (state === 0 && i < last && pairs[byte * 256 + chunk[i + 1]!] === 0) continue
      state = next(state, byte)
      const size = found[state]!
      if (size === 0) continue
      const to = position + i + 1
      let from = to - size
      while (masks.length > 0 && masks.at(-1)!.to > from) from = Math.min(from, masks.pop()!.from)
      masks.push({ from, to })
    }
    position += chunk.length
  }

  /** All that no later byte can change, which is what lies before `safe`. `bytes` begin at `base`. */
  const release = (safe: number, bytes: Buffer, base: number): Buffer => {
    const parts: Buffer[] = []
    let settled = 0
    for (const { from, to } of masks) {
      if (to > safe) break
      if (from > written) parts.push(bytes.subarray(written - base, from - base))
      parts.push(mask)
      written = to
      settled += 1
    }
    if (settled > 0) masks = masks.slice(settled)
    const until = Math.min(safe, masks[0]?.from ?? safe)
    if (until > written) {
      parts.push(bytes.subarray(written - base, until - base))
      written = until
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  return {
    push(chunk) {
      const wasHolding = held.length > 0
      const base = position - held.length
      look(chunk)
      const bytes = wasHolding ? held.add(chunk) : chunk
      const safe = position - depth[state]!
      const output = release(safe, bytes, base)
      if (!wasHolding) {
        if (safe < position) held.add(bytes.subarray(safe - base))
        return output
      }
      // `held` is used again.
      const copy = Buffer.from(output)
      held.drop(safe - base)
      return copy
    },
    flush() {
      const output = Buffer.from(release(position, held.bytes(), position - held.length))
      held.drop(held.length)
      state = 0
      return output
    },
  }
}

/** A queue of bytes: adding and dropping cost what is added, however much is held, so byte-wise output stays linear. */
function createHeld() {
  let buffer = nothing
  let start = 0
  let end = 0
  return {
    get length() {
      return end - start
    },
    bytes: () => buffer.subarray(start, end),
    add(chunk: Buffer): Buffer {
      if (end + chunk.length > buffer.length) {
        const grown = Buffer.allocUnsafeSlow(Math.max(256, (end - start + chunk.length) * 2))
        buffer.copy(grown, 0, start, end)
        end -= start
        start = 0
        buffer = grown
      }
      chunk.copy(buffer, end)
      end += chunk.length
      return buffer.subarray(start, end)
    },
    drop(count: number): void {
      start += count
      if (start < end) return
      start = 0
      end = 0
      // A megabyte chunk must not stay for the life of the attempt.
      if (buffer.length > 64 * 1024) buffer = nothing
    },
  }
}
