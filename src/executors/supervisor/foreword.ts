/**
 * bubblewrap and its like write to the same stderr as the command. Words that begin like theirs are held back until it
 * is known whose they were: bubblewrap reports an exit code only of a command that ran, and once the command runs none
 * of the others can say anything any more.
 */
const most = 4096
/** A sandbox that fails, fails at once. */
const patienceMs = 10_000
/** A look costs what a small file costs. */
const lookMs = { first: 5, longest: 250 }

export interface Foreword {
  /** What of it can be passed on now. */
  take(bytes: Buffer): Buffer | null
  /** What is held back comes now, because it is known to be the command's own. From then on everything passes. */
  release(): Buffer
  /** For the reason of a failure, also when it was passed on in the end. */
  words(): string
}

export interface ForewordOptions {
  prefixes: string[]
  /** Whether the command itself runs by now. */
  commandRuns(): boolean
  /** What was held back for nothing. */
  onReleased(bytes: Buffer): void
}

export function createForeword({ prefixes, commandRuns, onReleased }: ForewordOptions): Foreword {
  let held: Buffer = Buffer.alloc(0)
  let words = ''
  let decided = prefixes.length === 0
  let timer: NodeJS.Timeout | undefined
  const mayBe = (text: string): boolean => prefixes.some((prefix) => text.startsWith(prefix) || prefix.startsWith(text))
  const release = (): Buffer => {
    decided = true
    clearTimeout(timer)
    const all = held
    held = Buffer.alloc(0)
    return all
  }
  const watch = (): void => {
    const giveUpAt = performance.now() + patienceMs
    const look = (wait: number): void => {
      if (commandRuns() || performance.now() >= giveUpAt) onReleased(release())
      else timer = setTimeout(look, wait, Math.min(wait * 2, lookMs.longest))
    }
    timer = setTimeout(look, lookMs.first, lookMs.first)
  }
  return {
    take(bytes) {
      if (decided) return bytes
      held = Buffer.concat([held, bytes])
      words = held.toString('utf8')
      if (!mayBe(words) || held.length > most) return release()
      if (timer === undefined) watch()
      return null
    },
    release,
    words: () => words,
  }
}
