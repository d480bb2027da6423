/** Memory that grows from attempt to attempt after the kernel killed one for it. Pure. */
import type { RetryPolicy } from './retry.ts'
import type { Limits } from './spec.ts'

/** The administrator's, over what a job asks for. */
export interface MemoryBounds {
  defaultMemoryBytes: number
  maxMemoryBytes: number
}

const MiB = 2 ** 20

/** The most that an attempt may come to have. */
export const memoryCeiling = (retry: Pick<RetryPolicy, 'memory_max_bytes'>, { maxMemoryBytes }: MemoryBounds): number =>
  Math.min(retry.memory_max_bytes ?? Infinity, maxMemoryBytes)

/** Bytes for the attempt after one that had `had` and was killed for it, in whole MiB; null: it does not grow. */
export function grownMemory(
  had: number,
  retry: Pick<RetryPolicy, 'memory_factor' | 'memory_max_bytes'>,
  bounds: MemoryBounds,
): number | null {
  if (retry.memory_factor === undefined) return null
  const next = Math.min(Math.ceil((had * retry.memory_factor) / MiB) * MiB, memoryCeiling(retry, bounds))
  return next > had ? next : null
}

/** The spec of one attempt: it asks for its grown memory by name, so that its runner reserves it and must hold it. */
export const withMemory = <Spec extends { limits?: Limits | undefined }>(spec: Spec, grown: string | null): Spec =>
  grown === null ? spec : { ...spec, limits: { ...spec.limits, memory_bytes: Number(grown) } }
