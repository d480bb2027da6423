/**
 * bubblewrap and its like write to the same stderr as the command. Words that begin like theirs are held back until it
 * is known whose they were: bubblewrap reports an exit code only of a command that ran.
 */
const most = 4096
/** A sandbox that fails, fails at once. */
const patienceMs = 10_000

export interface Foreword {
  /** What of it can be passed on now. */
  take(bytes: Buffer): Buffer | null
  /** What was held back, when it is known to be the command's own. */
  held(): Buffer
  /** For the reason of a failure, also when it was passed on in the end. */
  words(): string
}

export function createForeword(prefixes: string[]): Foreword {
  const beganAt = performance.now()
  let held = Buffer.alloc(0)
  let words = ''
  let decided = prefixes.length === 0
  const mayBe = (text: string): boolean => prefixes.some((prefix) => text.startsWith(prefix) || prefix.startsWith(text))
  return {
    take(bytes) {
      if (decided) return bytes
      held = Buffer.concat([held, bytes])
      words = held.toString('utf8')
      if (mayBe(words) && held.length <= most && performance.now() - beganAt < patienceMs) return null
      decided = true
      const all = held
      held = Buffer.alloc(0)
      return all
    },
    held: () => held,
    words: () => words,
  }
}
