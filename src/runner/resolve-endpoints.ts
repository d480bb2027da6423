/**
 * All addresses behind the names of the servers, in an order to try them: at random, so that a fleet spreads, and those
 * that just failed last.
 */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../lib/app-error.ts'
import { monotonicMs } from './clock.ts'
import type { Endpoint } from './server-address.ts'

/** One address of one server. */
export interface Target {
  /** As it was named: what its certificate must be for. */
  host: string
  ip: string
  port: number
}

export interface Resolver {
  targets(): Promise<Target[]>
  failed(target: Target): void
}

/** getaddrinfo without a network takes half a minute, and four of them would stop all file access of the process. */
const lookupMs = 3_000
const shunMs = 30_000

const keyOf = ({ ip, port }: Target): string => `${ip} ${port}`

export function createResolver(servers: readonly Endpoint[], random: () => number = Math.random): Resolver {
  const names = new Map<string, ReturnType<typeof createName>>()
  const failedAt = new Map<string, number>()
  const nameOf = (host: string) => {
    const name = names.get(host) ?? createName(host)
    names.set(host, name)
    return name
  }
  return {
    async targets() {
      const found = await Promise.allSettled(
        servers.map(async ({ host, port }) => (await nameOf(host).ips()).map((ip) => ({ host, ip, port }))),
      )
      const all = found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
      if (all.length === 0) throw found.find((one) => one.status === 'rejected')?.reason
      const shunned = (target: Target) => monotonicMs() - (failedAt.get(keyOf(target)) ?? -Infinity) < shunMs
      const placed = all.map((target) => ({ target, place: random() + (shunned(target) ? 1 : 0) }))
      return placed.toSorted((a, b) => a.place - b.place).map(({ target }) => target)
    },
    failed(target) {
      failedAt.set(keyOf(target), monotonicMs())
    },
  }
}

/** One question at a time; while none is answered, the last answer counts. */
function createName(host: string) {
  let last: string[] | undefined
  let asking: Promise<string[]> | undefined
  const ask = async (): Promise<string[]> => {
    const answers = await lookup(host, { all: true })
    return (last = answers.map(({ address }) => address))
  }
  return {
    async ips(): Promise<string[]> {
      if (isIP(host)) return [host]
      asking ??= ask().finally(() => (asking = undefined))
      const answer = await Promise.race([asking.catch((error: Error) => error), sleep(lookupMs, undefined)])
      if (Array.isArray(answer)) return answer
      if (last !== undefined) return last
      const why = answer instanceof Error ? answer.message : `no answer within ${lookupMs / 1000} s`
      throw new AppError('unavailable', `cannot resolve ${host}: ${why}`)
    },
  }
}
