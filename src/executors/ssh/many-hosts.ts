/** One job on several hosts: an attempt on each, side by side, with one log and one end. */
import { join } from 'node:path'
import type { HostResult, SshOrder } from '../../job/host.ts'
import type { Usage } from '../../job/outcome.ts'
import type { Driven, DrivenEnd, DriveTools } from '../driver/driver.ts'
import { AttemptLost, StartRefused, type AttemptOrder } from '../executor.ts'
import { HostAttempt, type HostHandle } from './host-attempt.ts'
import type { Hosts } from './hosts.ts'
import { LineOrder } from './line-order.ts'

export interface ManyHandle {
  /** By place in the order: those that were begun. */
  many: Record<string, HostHandle>
}

interface Got {
  result: HostResult
  end?: DrivenEnd
  error?: Error
}

export class ManyHosts implements Driven {
  readonly startedAt = Date.now()
  readonly unenforced: string[] = []
  readonly ended: Promise<DrivenEnd>
  readonly #hosts: Hosts
  readonly #order: AttemptOrder
  readonly #place: SshOrder
  readonly #tools: DriveTools
  readonly #lines: LineOrder
  readonly #handle: ManyHandle
  readonly #attempts = new Map<number, HostAttempt>()
  #stopping = false

  constructor(hosts: Hosts, order: AttemptOrder, tools: DriveTools, found: ManyHandle = { many: {} }) {
    this.#hosts = hosts
    this.#order = order
    this.#place = order.place!.ssh!
    this.#tools = tools
    this.#handle = { many: { ...found.many } }
    const names = this.#place.hosts.map(({ name }) => name)
    const output: DriveTools['output'] = (stream, bytes) => tools.output(stream, bytes)
    this.#lines = new LineOrder(join(tools.config.dir, `${order.key}.lines`), names, output)
    tools.save(this.#handle)
    this.ended = this.#run()
    this.ended.catch(() => {})
  }

  async signal(which: 'TERM' | 'KILL'): Promise<void> {
    this.#stopping = true
    await Promise.all([...this.#attempts.values()].map((attempt) => attempt.signal(which)))
  }

  async usage(): Promise<Usage> {
    return sumOf(await Promise.all([...this.#attempts.values()].map((attempt) => attempt.usage().catch(() => ({})))))
  }

  async clear(): Promise<void> {
    const cleared = await Promise.allSettled([...this.#attempts.values()].map((attempt) => attempt.clear()))
    const failed = cleared.find(({ status }) => status === 'rejected')
    if (failed) throw (failed as PromiseRejectedResult).reason
    this.#lines.remove()
  }

  async #run(): Promise<DrivenEnd> {
    const { hosts, at_once } = this.#place
    const got: Got[] = []
    // Those that run already have their turn: they are not begun again.
    const turns = hosts.map((_, i) => i).toSorted((a, b) => Number(this.#begun(b)) - Number(this.#begun(a)))
    const worker = async (): Promise<void> => {
      for (let index = turns.shift(); index !== undefined; index = turns.shift()) got[index] = await this.#on(index)
    }
    const begun = Object.keys(this.#handle.many).length
    await Promise.all(Array.from({ length: Math.min(hosts.length, Math.max(at_once, begun, 1)) }, worker))
    return this.#together(got)
  }

  #begun(index: number): boolean {
    return this.#handle.many[index] !== undefined
  }

  async #on(index: number): Promise<Got> {
    const target = this.#place.hosts[index]!
    const result: HostResult = { host: target.name, state: 'cancelled', exit_code: null, signal: null }
    const found = this.#handle.many[index]
    if (this.#stopping && found === undefined) return { result: { ...result, message: 'not begun' } }
    const tools = {
      config: this.#tools.config,
      signal: this.#tools.signal,
      keepForMs: () => this.#tools.keepForMs(),
      onExtended: (listener: () => void) => this.#tools.onExtended(listener),
      output: (stream: 'stdout' | 'stderr', bytes: Buffer) => this.#lines.take(index, stream, bytes),
    }
    const save = (handle: HostHandle): void => {
      this.#handle.many[index] = handle
      this.#tools.save(this.#handle)
    }
    // Two names may be of one machine.
    const key = `${this.#order.key}-h${index}`
    const attempt = new HostAttempt({
      hosts: this.#hosts,
      target,
      key,
      tools,
      save,
      order: { ...this.#order, key },
      leaves: index === 0,
    })
    const startedAt = new Date()
    try {
      if (found === undefined) await attempt.start()
      else attempt.attach(found)
      this.#attempts.set(index, attempt)
      result.started_at = new Date(attempt.startedAt).toISOString()
      const end = await attempt.ended
      return { end, result: { ...result, ...this.#resultOf(end), ended_at: new Date().toISOString() } }
    } catch (error) {
      const state = error instanceof AttemptLost ? 'lost' : this.#stopping ? 'cancelled' : 'failed'
      const times = { started_at: startedAt.toISOString(), ended_at: new Date().toISOString() }
      return { error: error as Error, result: { ...result, ...times, state, message: (error as Error).message } }
    } finally {
      this.#lines.finish(index)
    }
  }

  #resultOf({ exitCode, signal, oomKilled, remaining }: DrivenEnd): Omit<HostResult, 'host'> {
    const facts = { exit_code: exitCode, signal, remaining_processes: remaining }
    if (oomKilled) return { ...facts, state: 'oom_killed', message: 'killed for using more than its memory' }
    if (signal !== null)
      return { ...facts, state: this.#stopping ? 'cancelled' : 'failed', message: `killed by ${signal}` }
    if (exitCode === 0) return { ...facts, state: 'succeeded' }
    return { ...facts, state: 'failed', message: `exited with code ${exitCode}` }
  }

  #together(got: Got[]): DrivenEnd {
    const results = got.map(({ result }) => result)
    const ends = got.flatMap(({ end }) => end ?? [])
    const errors = got.flatMap(({ error }) => error ?? [])
    if (ends.length === 0 && errors.length === got.length) {
      const lost = errors.find((error) => error instanceof AttemptLost)
      const classOf = errors[0] instanceof StartRefused ? errors[0].errorClass : 'unreachable'
      const messages = errors.map(({ message }) => message).join('; ')
      throw lost ? new AttemptLost(messages) : new StartRefused(classOf, messages.slice(0, 2000))
    }
    const well = results.filter(({ state }) => state === 'succeeded').length
    const success = this.#place.success === 'any' ? well > 0 : well === results.length
    const failing = results.filter(({ state }) => state !== 'succeeded')
    const named = failing.slice(0, 5).map(({ host, message }) => `${host} (${message})`)
    const more = failing.length > named.length ? ` and ${failing.length - named.length} more` : ''
    const message = `${well} of ${results.length} hosts succeeded${named.length === 0 ? '' : `; not ${named.join(', ')}${more}`}`
    const firstCode = failing.find(({ exit_code: code }) => code !== null && code !== 0)?.exit_code
    const report = got[0]?.end?.report
    return {
      exitCode: success ? 0 : (firstCode ?? 1),
      signal: null,
      oomKilled: false,
      usage: sumOf(ends.map(({ usage }) => usage)),
      remaining: ends.reduce((sum, { remaining }) => sum + remaining, 0),
      unenforced: [...new Set(ends.flatMap(({ unenforced = [] }) => unenforced))],
      said: success ? { message } : { message, errorClass: 'exit' },
      hosts: results,
      ...(report && { report }),
    }
  }
}

const sumOf = (all: Usage[]): Usage => {
  const cpu = all.flatMap(({ cpu_ms }) => cpu_ms ?? [])
  const peaks = all.flatMap(({ memory_peak_bytes }) => memory_peak_bytes ?? [])
  return {
    ...(cpu.length > 0 && { cpu_ms: cpu.reduce((a, b) => a + b, 0) }),
    // Of the host where it used most: no limit is held for all of them together.
    ...(peaks.length > 0 && { memory_peak_bytes: Math.max(...peaks) }),
  }
}
