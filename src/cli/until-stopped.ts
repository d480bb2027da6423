/** For a command that cleans up after Ctrl-C: the signal becomes an abort, and the exit code says which it was. */
import { signalNumber } from './exit-codes.ts'
import { onStop } from './process-life.ts'
import { notice } from './render.ts'

export async function untilStopped(
  whatThen: string,
  work: (signal: AbortSignal, stop: () => void) => Promise<void>,
): Promise<void> {
  const stopped = new AbortController()
  let by: NodeJS.Signals = 'SIGTERM'
  onStop((signal) => {
    if (!stopped.signal.aborted) by = signal
    stopped.abort()
  })
  try {
    await work(stopped.signal, () => stopped.abort())
  } catch (error) {
    if (!stopped.signal.aborted) throw error
    notice(whatThen)
    process.exitCode = 128 + (signalNumber(by) ?? 15)
  }
}
