/** Watching something until it has ended: over restarts of its server, until Ctrl-C, with its result as our exit code. */
import type { ApiClient } from '../api/client.ts'
import { AppError } from '../lib/app-error.ts'
import { isAway, usualTimes, type WatchOut } from './batch-watch.ts'
import type { Connection } from './connect.ts'
import type { Globals } from './globals.ts'
import { notice, printJson } from './render.ts'
import { stayWith } from './stay-with.ts'
import { untilStopped } from './until-stopped.ts'

export interface Following<Ended> {
  watch(calls: () => ApiClient['calls'], out: WatchOut, signal: AbortSignal): Promise<Ended>
  exitCodeOf(ended: Ended): number
  /** Told when somebody stops watching. */
  whatThen: string
  /** What to type when the server does not come back. */
  whenBack: string
}

export async function followToEnd<Ended>(
  connection: Connection,
  { json, verbose }: Pick<Globals, 'json' | 'verbose'>,
  what: Following<Ended>,
): Promise<void> {
  const out: WatchOut = {
    write: (text) => void process.stdout.write(text),
    // A terminal that does not say how wide it is says 0.
    width: () => (process.stdout.isTTY ? process.stdout.columns || 80 : undefined),
    height: () => process.stdout.rows || 24,
    quiet: json,
    away: () => notice('connection lost, trying again…', verbose),
  }
  const server = stayWith(connection, usualTimes.patienceMs)
  const over = new AbortController()
  try {
    await untilStopped(what.whatThen, async (signal) => {
      const watching = what.watch(server.calls, out, AbortSignal.any([signal, over.signal]))
      const ended = await Promise.race([watching, server.lost])
      if (json) printJson(ended)
      process.exitCode = what.exitCodeOf(ended)
    })
  } catch (error) {
    if (!isAway(error)) throw error
    throw new AppError('unavailable', `${error.message}; ${what.whenBack}`, { cause: error })
  } finally {
    over.abort()
    await server.leave()
  }
}
