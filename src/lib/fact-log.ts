/** Facts as log lines on stderr: the one place where they are phrased. Never a body, a header, a command or a secret. */
import { pino, type DestinationStream } from 'pino'
import { onFact } from './facts.ts'

/** Returns what stops it. */
export function logFacts(level: string, destination?: DestinationStream): () => void {
  const log = pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? pino.destination({ fd: 2, sync: false }),
  )
  return onFact(({ name, level: of = 'info', ...facts }) => log[of](facts, name))
}
