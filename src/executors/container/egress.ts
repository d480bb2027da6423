/** Ways out of containers with network "egress": the proxy of `executors/egress`, put into a network that has no other. */
import { tmpdir } from 'node:os'
import { realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DriversConfig } from '../driver/driver.ts'
import { cannotEnter, relayInto } from '../egress/netns.ts'
import { proxyEnv } from '../egress/proxy-env.ts'
import { WaysOut } from '../egress/ways-out.ts'
import { StartRefused, type AttemptOrder } from '../executor.ts'

export class EgressPlaces {
  readonly #config: DriversConfig
  readonly #dir: string
  #ways: WaysOut | undefined

  constructor(config: DriversConfig) {
    this.#config = config
    this.#dir = join(realpathSync(tmpdir()), `runyard-ways-${config.tag}`)
  }

  /** Where it may connect to; undefined: its network is another. */
  check({ spec }: AttemptOrder): string[] | undefined {
    if (spec.network !== 'egress') return undefined
    if (this.#config.egressAllow.length === 0) {
      throw new StartRefused('refused', 'network "egress" is not allowed on this runner (setting RUNYARD_EGRESS_ALLOW)')
    }
    const why = cannotEnter()
    if (why !== null) throw new StartRefused('refused', why)
    return spec.egress ?? []
  }

  envFor(egress: boolean): Readonly<Record<string, string>> {
    return egress ? proxyEnv : {}
  }

  /** Shuts it again, and says what it was not let to. */
  async open(name: string, list: string[], pid: number): Promise<() => Promise<string[]>> {
    this.#ways ??= new WaysOut(this.#dir)
    try {
      const way = await this.#ways.open({ name, list, allow: this.#config.egressAllow })
      try {
        const relay = await relayInto(pid, way.socket)
        return () => {
          relay.close()
          return way.close()
        }
      } catch (error) {
        await way.close()
        throw error
      }
    } catch (error) {
      throw new StartRefused('infrastructure', (error as Error).message)
    }
  }

  close(): void {
    if (this.#ways === undefined) return
    this.#ways.close()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
