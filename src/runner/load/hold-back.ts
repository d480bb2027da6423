/**
 * How much of its capacity a runner keeps back because of what its host does beside the jobs: pure, one look after the
 * other. It holds back at once and gives back slowly, so that a host on the edge does not go to and fro.
 */

/** One look at the host. */
export interface HostSample {
  cores: number
  /** Cores that were busy since the look before, whoever kept them so. */
  busyCores: number
  /** Of those, what the runner, its jobs and what belongs to them used. */
  ownCores: number
  /** Runnable processes, mean of a minute. */
  loadAverage: number
  /** Share of the last 10 s in which something waited for it, in percent; null where the kernel does not tell. */
  cpuPressure: number | null
  memoryPressure: number | null
  memoryMib: number
  /** Without swapping. */
  memoryAvailableMib: number
  /** Resident, of what `ownCores` counts. */
  ownMemoryMib: number
}

export interface HoldBack {
  /** Slots that are not given out. */
  slots: number
  cpuMillis: number
  /** The most that jobs may be given which ask for memory by name; null: all that is not reserved. */
  memoryMib: number | null
  /** Whose end is lower than its beginning. */
  shortOf: { cpu: boolean; memory: boolean }
  /** In words for people; null when nothing is held back. */
  why: string | null
}

export interface Held {
  slots: number
  cpuMillis: number
  /** Reserved by the jobs that it runs now. */
  reservedMib: number
}

export const nothingHeld: HoldBack = {
  slots: 0,
  cpuMillis: 0,
  memoryMib: null,
  shortOf: { cpu: false, memory: false },
  why: null,
}

/** Begins above the first, ends below the second. Percent of time for pressure; of the cores, or of the memory, else. */
const marks = {
  cpuPressure: [25, 10],
  loadPerCore: [1.2, 0.8],
  memoryPressure: [10, 2],
  memoryUsed: [0.92, 0.85],
} as const
/** Other work than this, in cores, holds nobody up. */
const leastOthers = 0.25
/** Of the whole memory: what is never given out. */
const memoryMargin = 0.05

const isShort = (value: number, [begins, ends]: readonly [number, number], was: boolean): boolean =>
  value >= (was ? ends : begins)

/** `whole`: what the runner has when it holds nothing back. */
export function holdBack(sample: HostSample, whole: Held, before: HoldBack = nothingHeld): HoldBack {
  const others = Math.min(sample.cores, Math.max(0, sample.busyCores - sample.ownCores))
  const cpu =
    others >= leastOthers &&
    (sample.cpuPressure === null
      ? isShort(sample.loadAverage / sample.cores, marks.loadPerCore, before.shortOf.cpu)
      : isShort(sample.cpuPressure, marks.cpuPressure, before.shortOf.cpu))
  const used = 1 - sample.memoryAvailableMib / sample.memoryMib
  const memory =
    isShort(used, marks.memoryUsed, before.shortOf.memory) ||
    (sample.memoryPressure !== null && isShort(sample.memoryPressure, marks.memoryPressure, before.shortOf.memory))

  const most = whole.slots - 1
  const share = cpu ? others / sample.cores : 0
  const wanted = Math.min(most, memory ? most : Math.ceil(whole.slots * share))
  const step = Math.max(1, Math.ceil(whole.slots / 8))
  const slots = Math.max(wanted, Math.min(before.slots, most) - step, 0)
  // What running jobs reserved and have not taken yet is theirs.
  const promised = Math.max(0, whole.reservedMib - sample.ownMemoryMib)
  const room = Math.floor(sample.memoryAvailableMib - sample.memoryMib * memoryMargin - promised)
  return {
    slots,
    cpuMillis: Math.round((whole.cpuMillis * (whole.slots === 0 ? 0 : slots)) / Math.max(1, whole.slots)),
    memoryMib: Math.max(0, room),
    shortOf: { cpu, memory },
    why: slots === 0 ? null : wordsFor({ cpu, memory, others, sample }),
  }
}

interface Seen {
  cpu: boolean
  memory: boolean
  others: number
  sample: HostSample
}

function wordsFor({ cpu, memory, others, sample }: Seen): string {
  const parts = [
    ...(cpu ? [`other work uses ${oneDigit(others)} of ${sample.cores} cores`] : []),
    ...(memory
      ? [`${Math.round(sample.memoryAvailableMib)} of ${Math.round(sample.memoryMib)} MiB of memory are left`]
      : []),
  ]
  return parts.length === 0 ? 'its host was busy a moment ago' : parts.join(' and ')
}

const oneDigit = (value: number): string => String(Number(value.toFixed(1)))
