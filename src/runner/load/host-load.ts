/** Looks at the host again and again, and says how much of the runner it keeps back (RUNYARD_RUNNER_LOAD=follow). */
import { setTimeout as sleep } from 'node:timers/promises'
import { emitFact } from '../../lib/facts.ts'
import { holdBack, nothingHeld, type Held, type HoldBack, type HostSample } from './hold-back.ts'
import type { HostReader } from './read-host.ts'

const lookMs = 5_000
/** The figures alone change all the time; the server hears of them this often. */
const tellMs = 60_000

/** In the runner's facilities, for people. */
export interface LoadState {
  mode: 'follow'
  holding_back: number
  why: string | null
  /** Shares that are in use, 0 to 1; of the cores also by other work. */
  cpu: number
  cpu_others: number
  memory: number
  /** In percent of the last 10 s; null where the kernel does not tell. */
  cpu_pressure: number | null
  memory_pressure: number | null
  /** The most that a runner which has a job gives to jobs that ask for memory by name. */
  memory_mib: number | null
}

export interface HostLoad {
  /** As of the last look. */
  held(): HoldBack
  /** Null before the first look. */
  state(): LoadState | null
  /** Until the signal. `onChange`: it keeps back more or less than before. `onFigures`: the state is worth telling. */
  watch(tools: WatchTools, signal: AbortSignal): void
}

export interface WatchTools {
  whole(): Held
  onChange(): void
  onFigures(): void
}

export interface HostLoadOptions {
  reader: HostReader
  everyMs?: number
}

export function createHostLoad({ reader, everyMs = lookMs }: HostLoadOptions): HostLoad {
  let held = nothingHeld
  let state: LoadState | null = null
  let toldAt = -Infinity

  const look = async ({ whole, onChange, onFigures }: WatchTools): Promise<void> => {
    const sample = await reader.read()
    const before = held
    held = holdBack(sample, whole(), before)
    state = stateOf(sample, held)
    if (held.slots !== before.slots) {
      const { slots, why } = held
      emitFact({ name: 'runner.holds_back', slots, of: whole().slots, ...(why === null ? {} : { why }) })
    }
    if (changed(before, held)) onChange()
    if (held.slots === before.slots && performance.now() - toldAt < tellMs) return
    toldAt = performance.now()
    onFigures()
  }

  return {
    held: () => held,
    state: () => state,
    watch(tools, signal) {
      const run = async (): Promise<void> => {
        while (!signal.aborted) {
          await look(tools).catch((error: unknown) => {
            emitFact({ name: 'runner.load_unknown', level: 'warn', reason: String(error) })
            held = nothingHeld
          })
          await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {})
        }
      }
      void run()
    },
  }
}

/** Memory goes up and down by a little all the time; a claim that is under way may be wrong by that much. */
const changed = (before: HoldBack, now: HoldBack): boolean =>
  before.slots !== now.slots || Math.abs((before.memoryMib ?? 0) - (now.memoryMib ?? 0)) >= 256

function stateOf(sample: HostSample, held: HoldBack): LoadState {
  const { cores, busyCores, ownCores, memoryMib, memoryAvailableMib } = sample
  return {
    mode: 'follow',
    holding_back: held.slots,
    why: held.why,
    cpu: rounded(busyCores / cores),
    cpu_others: rounded(Math.max(0, busyCores - ownCores) / cores),
    memory: rounded(1 - memoryAvailableMib / memoryMib),
    cpu_pressure: sample.cpuPressure,
    memory_pressure: sample.memoryPressure,
    memory_mib: held.memoryMib,
  }
}

const rounded = (value: number): number => Math.round(value * 100) / 100
