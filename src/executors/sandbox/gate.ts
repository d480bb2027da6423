/**
 * Waits until the job's command has taken the place of ours. Before that moment whatever is on stderr was said by
 * bubblewrap or setpriv; after it, by the job. bubblewrap itself reports an exec that failed only by silence (no
 * `exit-code` line), so success is seen in /proc: the command line of the process changes with the exec.
 */
import type { FileHandle } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { oomKillsOf } from '../cgroup/attempt-cgroup.ts'
import type { AttemptOrder } from '../executor.ts'
import { inChain } from '../launcher/chain.ts'
import { readWaiting } from '../pipes.ts'
import { childrenOf, commandLineOf, type ProcessId } from '../processes.ts'
import { bwrapArgv } from './isolation.ts'
import { statusFileOf, type AttemptState, type ExitRecord } from './state.ts'
import { readStatus, refusalOf } from './status.ts'

export interface GateInput {
  order: AttemptOrder
  state: AttemptState
  /** A program of ours inside the sandbox, before the command; empty when none is needed. */
  limiter: string[]
  main: ProcessId
  exit: Promise<ExitRecord>
  /** The reading side of the pipe that is stderr for all of them. */
  stderr: FileHandle
}

/** A host under heavy load may be slow; after this long the command counts as started, and what is wrong shows later. */
const patienceMs = 10_000

/** Returns when the command runs, or ran; throws StartRefused when it never did. */
export async function passGate(input: GateInput): Promise<void> {
  let ended: ExitRecord | null = null
  void input.exit.then((record) => (ended = record))
  const giveUpAt = performance.now() + patienceMs
  for (let wait = 1; performance.now() < giveUpAt; wait = Math.min(wait + 1, 10)) {
    // Asked first: a command that is over before we look has written its exit code by then.
    const record = ended as ExitRecord | null
    if (input.state.isolation === 'full' ? runsInside(input) : isOutOfChain(input.main.pid)) return
    if (record !== null) return judge(input, record)
    await sleep(wait)
  }
}

/** Everything has ended, and we did not see the command run: it was too quick, or it never did. */
async function judge(input: GateInput, record: ExitRecord): Promise<void> {
  const { state, order, limiter, stderr } = input
  const { exitCode } = readStatus(statusFileOf(state.dir))
  const wrapped = state.isolation === 'none' || limiter.length > 0
  // Killed before it could say anything, by the kernel for memory or by us: that is how it ended.
  if (exitCode === null && (record.signal !== null || (await oomKillsOf(state.cgroup)) > 0)) return
  const waiting = await readWaiting(stderr)
  const words = waiting.toString('utf8')
  const failedToStart = wrapped
    ? record.code === 125 ||
      (exitCode === null && state.isolation === 'full') ||
      /^(setpriv|prlimit): failed to execute /.test(words)
    : exitCode === null
  if (failedToStart) throw refusalOf(words, order.spec.command)
  // They were the command's own words after all.
  if (waiting.length > 0) await stderr.write(waiting)
}

function isOutOfChain(pid: number): boolean {
  const line = commandLineOf(pid)
  return line !== '' && !inChain(line)
}

function runsInside({ state, limiter }: GateInput): boolean {
  const { initPid, exitCode } = readStatus(statusFileOf(state.dir))
  // With a limiter in between, its own failure also ends in an exit code.
  if (exitCode !== null && limiter.length === 0) return true
  if (initPid === null) return false
  const ours = [bwrapArgv, limiter].filter((argv) => argv.length > 0).map((argv) => `${argv.join('\0')}\0`)
  return childrenOf(initPid).some((pid) => {
    const line = commandLineOf(pid)
    return line !== '' && !ours.some((prefix) => line.startsWith(prefix))
  })
}
