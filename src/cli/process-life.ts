/** How this process hears that it should end: signals, a closed pipe, the death of its launcher `bin/runyard.js`. */
import { exitCodes, signalNumber } from './exit-codes.ts'

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/**
 * One Ctrl-C arrives up to three times: from the terminal, and forwarded by npx and by `bin/runyard.js`. Signals this
 * close together are one; a person needs longer for a second one.
 */
export const togetherMs = 200

let listener: ((signal: StopSignal) => void) | undefined
let lastSignalAt = -Infinity

function heard(signal: StopSignal): void {
  const now = performance.now()
  const again = now - lastSignalAt < togetherMs
  lastSignalAt = now
  if (!again) listener?.(signal)
}

/** From now on signals no longer end the process; `onStop` decides. Called once more for each further signal. */
export function onStop(onSignal: (signal: StopSignal) => void): void {
  const first = listener === undefined
  listener = onSignal
  if (!first) return
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => heard(signal))
}

/** When the launcher was killed hard, its channel closes; we end as on a hang-up, never live on unseen. */
export function leaveWithParent(): void {
  if (process.channel === undefined || process.channel === null) return
  process.on('disconnect', () => {
    if (listener === undefined) process.exit(128 + (signalNumber('SIGHUP') ?? 1))
    heard('SIGHUP')
  })
  process.channel.unref()
}

/** What was written to a pipe is still ours until its reader has taken it. */
export async function allWritten(): Promise<void> {
  const written = [process.stdout, process.stderr].map(
    (stream) => new Promise<void>((resolve) => void stream.write('', () => resolve())),
  )
  await Promise.all(written)
}

/** `runyard ls | head -1` ends in silence, like any program that SIGPIPE ends. */
export function quietOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(exitCodes.brokenPipe)
      throw error
    })
  }
}
