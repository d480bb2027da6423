/** Until when an attempt may run on its host: written there again and again, and each answer says how it stands there. */
import type { SshTarget } from '../../job/host.ts'
import { monotonicMs } from '../../lib/monotonic.ts'
import type { DriveTools } from '../driver/driver.ts'
import type { Ear, Hello } from './ear.ts'
import type { Hosts } from './hosts.ts'

/** `made`: nothing has begun there. `orphan`: no end was written, and who would write it is not there (yet). */
export type ThereState = 'missing' | 'made' | 'running' | 'orphan' | 'ended'

const renewEveryMs = 10_000
const longestLeaseMs = 31 * 24 * 3600_000

export interface LeaseOf {
  hosts: Hosts
  target: SshTarget
  key: string
  tools: Pick<DriveTools, 'keepForMs' | 'onExtended'>
}

export class Lease {
  readonly #of: LeaseOf
  #until = 0
  #timer: NodeJS.Timeout | undefined

  constructor(of: LeaseOf) {
    this.#of = of
  }

  /** `monotonicMs`, with what it takes there: after it nothing of the attempt runs any more. */
  get overAt(): number {
    return this.#until + this.#of.hosts.leaseSlackMs
  }

  /** One that an earlier process may have sent. */
  suppose(): void {
    this.#until = Math.max(this.#until, monotonicMs() + this.#forMs())
  }

  /** What stands in the file: never later than ours, by the clock there. */
  text({ behind }: Hello): string {
    const until = monotonicMs() + this.#forMs()
    this.#until = Math.max(this.#until, until)
    return String(Math.floor((until - behind) / 1000))
  }

  async ask(ear: Ear): Promise<ThereState> {
    const [state = ''] = (await ear.ask('lease', this.#of.key, this.text(await ear.hello()))).split(' ')
    return state as ThereState
  }

  renewAlways(heard: (state: ThereState, ear: Ear) => void): void {
    const { hosts, target, tools } = this.#of
    const renew = async (): Promise<void> => {
      // Without a connection whoever follows it is making one.
      if (this.#timer === undefined || !hosts.pool.connected(target)) return
      const ear = await hosts.ear(target)
      heard(await this.ask(ear), ear)
    }
    const renewNow = (): void => void renew().catch(() => {})
    this.#timer = setInterval(renewNow, renewEveryMs)
    this.#timer.unref()
    tools.onExtended(renewNow)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #forMs(): number {
    return Math.min(this.#of.tools.keepForMs(), longestLeaseMs)
  }
}
