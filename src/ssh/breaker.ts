/** Lets a host alone that does not answer: after some failures nobody tries for a while, then one does for all. */
import { monotonicMs } from '../lib/monotonic.ts'

export type BreakerState = 'closed' | 'open' | 'half_open'

export interface BreakerRules {
  /** In a row. */
  failures: number
  openMs: number
}
export const usualBreaker: BreakerRules = { failures: 5, openMs: 60_000 }

export class Breaker {
  readonly #rules: BreakerRules
  readonly #now: () => number
  #failures = 0
  #retryAt: number | null = null
  #trying = false

  constructor(rules: BreakerRules = usualBreaker, now: () => number = monotonicMs) {
    this.#rules = rules
    this.#now = now
  }

  get failures(): number {
    return this.#failures
  }
  get state(): BreakerState {
    if (this.#retryAt === null) return 'closed'
    return this.#trying || this.#now() >= this.#retryAt ? 'half_open' : 'open'
  }
  /** Ms until somebody may try. */
  get waitMs(): number {
    return this.#retryAt === null ? 0 : Math.max(0, this.#retryAt - this.#now())
  }
  /** Whether work for it is taken at all. */
  get lets(): boolean {
    return this.state !== 'open'
  }

  /** Whoever got true tells how it went. */
  mayTry(): boolean {
    if (this.#retryAt === null) return true
    if (this.#trying || this.state === 'open') return false
    this.#trying = true
    return true
  }

  succeeded(): void {
    this.#failures = 0
    this.#retryAt = null
    this.#trying = false
  }

  failed(): void {
    this.#failures += 1
    this.#trying = false
    if (this.#failures >= this.#rules.failures) this.#retryAt = this.#now() + this.#rules.openMs
  }

  /** It was given up from here, and says nothing about the host. */
  gaveUp(): void {
    this.#trying = false
  }
}
