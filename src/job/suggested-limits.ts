/** Limits that would do, by what attempts used: pure, so that every rule has a row in a table of cases. */
import { size } from '../lib/byte-size.ts'
import type { Limits } from './spec.ts'

/** One attempt. */
export interface Usage {
  state: string
  memoryBytes: number | null
  cores: number | null
}

export interface Suggestion {
  /** 95 % of the attempts used this at most, and the most that any used. */
  p95: number
  most: number
  /** That an attempt has now; null: none. */
  limit: number | null
  suggested: number
  /** `high`: the limit that was asked for is more than four times what is needed; `tight`: they come close to it. */
  hint: 'high' | 'tight' | null
  /** The hint as a sentence. */
  text: string | null
}

export interface Suggested {
  memory: (Suggestion & { oomKills: number }) | null
  cpu: Suggestion | null
}

export interface SuggestInput {
  attempts: readonly Usage[]
  /** What they asked for, and what holds by the administrator's defaults. */
  asked: Limits
  effective: Limits
  maxMemoryBytes: number
  maxCpu: number
}

/** Of fewer attempts nothing is concluded. */
export const fewestAttempts = 5
const room = 1.3
const tooHigh = 4
const tooTight = 0.9
const MiB = 2 ** 20

/** With a step for each magnitude, so that a suggestion does not change with every attempt. */
function roundMemory(bytes: number): number {
  const step = bytes < 256 * MiB ? 16 * MiB : bytes < 2048 * MiB ? 64 * MiB : 256 * MiB
  return Math.max(16 * MiB, Math.ceil(bytes / step) * step)
}
const roundCores = (cores: number): number => Math.max(0.1, Math.ceil(Math.round(cores * 1000) / 100) / 10)

export function suggestLimits({ attempts, asked, effective, maxMemoryBytes, maxCpu }: SuggestInput): Suggested {
  const oomKills = attempts.filter(({ state }) => state === 'oom_killed').length
  // One that was killed at its limit would have used more; nobody knows how much.
  const needed = attempts.flatMap(({ memoryBytes, state }) =>
    memoryBytes === null ? [] : [state === 'oom_killed' ? 2 * memoryBytes : memoryBytes],
  )
  const memory = suggest({
    needed,
    peaks: attempts.flatMap(({ memoryBytes }) => memoryBytes ?? []),
    limit: effective.memory_bytes,
    isAsked: asked.memory_bytes !== undefined,
    rounded: (bytes) => Math.min(roundMemory(bytes), maxMemoryBytes),
    words: { name: 'memory limit', show: size },
  })
  const cores = attempts.flatMap(({ cores: used }) => used ?? [])
  const cpu = suggest({
    needed: cores,
    peaks: cores,
    limit: effective.cpu,
    isAsked: asked.cpu !== undefined,
    // One thread uses one core, whatever the limit: that it comes close to the default says nothing.
    onlyAsked: true,
    rounded: (used) => Math.min(roundCores(used), maxCpu),
    words: { name: 'CPU limit', show: (used) => `${Number(used.toFixed(2))} ${used === 1 ? 'core' : 'cores'}` },
  })
  return { memory: memory && { ...memory, oomKills }, cpu }
}

interface SuggestOne {
  needed: number[]
  peaks: number[]
  limit: number | undefined
  isAsked: boolean
  /** No hint where nobody named the limit. */
  onlyAsked?: boolean
  rounded: (value: number) => number
  words: { name: string; show: (value: number) => string }
}

function suggest({ needed, peaks, limit, isAsked, onlyAsked = false, rounded, words }: SuggestOne): Suggestion | null {
  if (needed.length < fewestAttempts) return null
  const p95 = percentile95(peaks)
  const suggested = rounded(percentile95(needed) * room)
  const hint = onlyAsked && !isAsked ? null : hintOf({ p95, suggested, limit, isAsked })
  const { name, show } = words
  const text = {
    high: `its ${name} is ${show(limit ?? 0)}; 95 % of its attempts use ${show(p95)} at most: ${show(suggested)} would do`,
    tight: `its attempts come close to their ${name} of ${show(limit ?? 0)}: ${show(suggested)} would leave room`,
  }
  return {
    p95,
    most: Math.max(...peaks),
    limit: limit ?? null,
    suggested,
    hint,
    text: hint === null ? null : text[hint],
  }
}

function hintOf({
  p95,
  suggested,
  limit,
  isAsked,
}: Pick<Suggestion, 'p95' | 'suggested'> & Pick<SuggestOne, 'limit' | 'isAsked'>) {
  if (limit === undefined) return null
  if (isAsked && limit > tooHigh * p95 && suggested < limit) return 'high'
  return p95 >= tooTight * limit && suggested > limit ? 'tight' : null
}

/** The nearest rank: a value that was really there. */
function percentile95(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * 0.95) - 1)]!
}
