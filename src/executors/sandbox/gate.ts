/**
 * Waits until the job's command has taken the place of ours. Before that moment whatever is on stderr was said by
 * bubblewrap or setpriv; after it, by the job. bubblewrap itself reports an exec that failed only by silence (no
 * `exit-code` line), so success is seen in /proc: the command line of the process changes with the exec.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { inChain } from '../launcher/chain.ts'
import { childrenOf, commandLineOf, type ProcessId } from '../processes.ts'
import { bwrapArgv } from './isolation.ts'
import { readStatus } from './status.ts'

export interface GateInput {
  main: ProcessId
  isolation: 'full' | 'none'
  statusFile: string
  /** Programs of ours inside the sandbox, before the command. */
  limiter: string[]
  hasEnded(): boolean
}

/** A host under heavy load may be slow; after this long the command counts as started, and what is wrong shows later. */
const patienceMs = 10_000

/** True: the command runs, or ran. False: everything ended and it may never have run. */
export async function commandStarted(input: GateInput): Promise<boolean> {
  const giveUpAt = performance.now() + patienceMs
  for (let wait = 1; ; wait = Math.min(wait + 1, 10)) {
    const ended = input.hasEnded()
    if (input.isolation === 'full' ? runsInside(input) : isOutOfChain(input.main.pid)) return true
    if (ended) return false
    if (performance.now() > giveUpAt) return true
    await sleep(wait)
  }
}

function isOutOfChain(pid: number): boolean {
  const line = commandLineOf(pid)
  return line !== '' && !inChain(line)
}

function runsInside({ statusFile, limiter }: GateInput): boolean {
  const { initPid, exitCode } = readStatus(statusFile)
  // With a limiter in between, its own failure also ends in an exit code.
  if (exitCode !== null && limiter.length === 0) return true
  if (initPid === null) return false
  const ours = [bwrapArgv, limiter].filter((argv) => argv.length > 0).map((argv) => `${argv.join('\0')}\0`)
  return childrenOf(initPid).some((pid) => {
    const line = commandLineOf(pid)
    return line !== '' && !ours.some((prefix) => line.startsWith(prefix))
  })
}
