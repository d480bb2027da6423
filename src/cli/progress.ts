/** One line on the terminal that says how far a long command is, and disappears with its end. */
export interface Progress {
  say(text: string): void
  done(): void
}

const everyMs = 100

export function showProgress(shown: boolean, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!shown || !stream.isTTY) return { say() {}, done() {} }
  let last = -Infinity
  return {
    say(text) {
      if (performance.now() - last < everyMs) return
      last = performance.now()
      stream.write(`\r${text.slice(0, (stream.columns ?? 80) - 1)}\u001b[K`)
    },
    done: () => void stream.write('\r\u001b[K'),
  }
}
