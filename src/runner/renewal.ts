/** Keeps a runner's certificate alive: a new one at two thirds of its life, and again and again until there is one. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isAppError } from '../lib/app-error.ts'
import { emitFact } from '../lib/facts.ts'
import { isPassing } from './backoff.ts'
import { renew, type Enrolled } from './enrol.ts'
import { inspectCredentials, replaceCredentials } from './identity-files.ts'
import type { ServerAddress } from './server-address.ts'

export interface RenewalOptions {
  address: Extract<ServerAddress, { files: object }>
  /** Also what servers must come from; a file that somebody named may hold more, and stays as it is. */
  ownsCa: boolean
  onRenewed(): void
  signal: AbortSignal
  renew?: (address: ServerAddress, name: string) => Promise<Enrolled>
}

/** Timers of weeks do not exist, and a laptop sleeps: the clock is looked at again at least this often. */
const lookMs = 3_600_000

export async function keepRenewed(options: RenewalOptions): Promise<void> {
  const { signal } = options
  // Not all that were enrolled together come together.
  const spread = 0.64 + Math.random() * 0.03
  while (!signal.aborted) {
    const pauseMs = await look(options, spread).catch((error: unknown) => {
      emitFact({ name: 'runner.certificate_unusable', level: 'error', reason: String(error) })
      return lookMs
    })
    await sleep(Math.min(pauseMs, lookMs), undefined, { signal, ref: false }).catch(() => {})
  }
}

/** How long until the next look. */
async function look(options: RenewalOptions, spread: number): Promise<number> {
  const { name, notBefore, notAfter } = await inspectCredentials(options.address.files)
  const life = notAfter.getTime() - notBefore.getTime()
  const dueIn = notBefore.getTime() + life * spread - Date.now()
  if (dueIn > 0) return dueIn
  return (await renewed(options, name, notAfter)) ? 0 : (life / 100) * (0.5 + Math.random())
}

async function renewed(options: RenewalOptions, name: string, notAfter: Date): Promise<boolean> {
  const { address, ownsCa, onRenewed } = options
  try {
    await replaceCredentials(address.files, await (options.renew ?? renew)(address, name), ownsCa)
    const { notAfter: until } = await inspectCredentials(address.files)
    emitFact({ name: 'runner.certificate_renewed', runner: name, until: until.toISOString() })
    onRenewed()
    return true
  } catch (error) {
    // A server that is away is away for everything, and said elsewhere.
    const quiet = isAppError(error) && isPassing(error)
    const level = quiet ? 'debug' : 'warn'
    const reason = isAppError(error) ? error.message : String(error)
    emitFact({ name: 'runner.certificate_not_renewed', level, runner: name, ends: notAfter.toISOString(), reason })
    return false
  }
}
