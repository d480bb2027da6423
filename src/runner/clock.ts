import { readFileSync } from 'node:fs'

export { monotonicMs } from '../lib/monotonic.ts'

let known: string | undefined

/** Which start of this host `monotonicMs` counts from; empty where the host does not say. */
export function bootId(): string {
  try {
    return (known ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim())
  } catch {
    return (known = '')
  }
}
