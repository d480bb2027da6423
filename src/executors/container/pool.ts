/**
 * Containers that wait for a job, by their shape. How many follows demand: as many as the busiest ten seconds of the
 * last two minutes wanted, between what the image's catalogue entry names as least and most, and never more together
 * than the administrator allows. They are made one after the other while no attempt waits for the engine, which makes
 * containers one by one itself.
 */
import { discard, prepare, type Prepared } from './prepare.ts'
import type { Engine } from './engine.ts'
import { warmKey, type Shape } from './shape.ts'

const windowMs = 10_000
const rememberedMs = 120_000
const soonMs = 100
const tendEveryMs = 10_000

/** Pure. `uses`: times of starts, oldest first. */
export function demandAt(uses: readonly number[], now: number): number {
  const recent = uses.filter((at) => now - at <= rememberedMs)
  let most = 0
  let from = 0
  recent.forEach((at, i) => {
    while (at - recent[from]! >= windowMs) from++
    most = Math.max(most, i - from + 1)
  })
  return most
}

interface Stock {
  shape: Shape
  least: number
  most: number
  waiting: Prepared[]
  uses: number[]
  hits: number
  misses: number
}

export interface PoolParts {
  engine: Engine
  root: string
  tag: string
  most: number
  /** Whether attempts wait for the engine. */
  busy(): boolean
  onTrouble(error: Error): void
}

export class Pool {
  readonly #parts: PoolParts
  readonly #stocks = new Map<string, Stock>()
  /** Those that are being made or removed are ours too. */
  readonly names = new Set<string>()
  #soon: NodeJS.Timeout | undefined
  #tending: Promise<void> | null = null
  #closed = false
  #generation = 0

  constructor(parts: PoolParts) {
    this.#parts = parts
  }

  take(shape: Shape, warm: { least: number; most: number } | undefined): Prepared | undefined {
    const key = warmKey(shape)
    if (key === undefined || warm === undefined || warm.most === 0 || this.#parts.most === 0) return undefined
    let stock = this.#stocks.get(key)
    if (stock === undefined) {
      this.#dropOtherImages(shape)
      stock = { shape, ...warm, waiting: [], uses: [], hits: 0, misses: 0 }
      this.#stocks.set(key, stock)
    }
    const now = performance.now()
    Object.assign(stock, { least: warm.least, most: warm.most })
    stock.uses = [...stock.uses.filter((at) => now - at <= rememberedMs), now].slice(-1000)
    // Newest use last: the first ones give way.
    this.#stocks.delete(key)
    this.#stocks.set(key, stock)
    const found = stock.waiting.pop()
    if (found) stock.hits++
    else stock.misses++
    this.tendSoon(soonMs)
    if (found) this.names.delete(found.name)
    return found
  }

  /** A tag that was moved: what waits has the old image. */
  #dropOtherImages({ image }: Shape): void {
    for (const [key, stock] of this.#stocks) {
      const { reference, id } = stock.shape.image
      if (reference !== image.reference || id === image.id) continue
      this.#stocks.delete(key)
      for (const one of stock.waiting) this.#remove(one)
    }
  }

  tendSoon(ms: number): void {
    if (this.#closed || this.#stocks.size === 0) return
    clearTimeout(this.#soon)
    this.#soon = setTimeout(() => void this.tend(), ms)
    this.#soon.unref()
  }

  /** Makes and removes until there are as many as there should be. */
  tend(): Promise<void> {
    return (this.#tending ??= this.#tend().finally(() => {
      this.#tending = null
      this.tendSoon(tendEveryMs)
    }))
  }

  async #tend(): Promise<void> {
    for (;;) {
      const now = performance.now()
      const wanted = this.#wanted(now)
      for (const [stock, count] of wanted) {
        while (stock.waiting.length > count) this.#remove(stock.waiting.shift()!)
      }
      const [next] = [...wanted].find(([stock, count]) => stock.waiting.length < count) ?? []
      if (next === undefined || this.#closed || this.#parts.busy()) return
      if (!(await this.#make(next))) return
    }
  }

  /** Last used first, until all that may be is given away. */
  #wanted(now: number): Map<Stock, number> {
    let left = this.#parts.most
    const wanted = new Map<Stock, number>()
    for (const stock of [...this.#stocks.values()].toReversed()) {
      const count = Math.min(left, stock.most, Math.max(stock.least, demandAt(stock.uses, now)))
      wanted.set(stock, count)
      left -= count
    }
    return wanted
  }

  async #make(stock: Stock): Promise<boolean> {
    const { engine, root, tag, onTrouble } = this.#parts
    const generation = this.#generation
    try {
      const made = await prepare({ engine, root, tag, shape: stock.shape, onNamed: (name) => this.names.add(name) })
      const gone = (): void => {
        const at = stock.waiting.indexOf(made)
        if (at === -1) return
        stock.waiting.splice(at, 1)
        this.#remove(made)
      }
      made.stream.once('close', gone)
      if (this.#closed || generation !== this.#generation) this.#remove(made)
      else stock.waiting.push(made)
      return true
    } catch (error) {
      onTrouble(error as Error)
      return false
    }
  }

  #removing = new Set<Promise<void>>()
  #remove(one: Prepared): void {
    const removing = discard(this.#parts.engine, one)
      .then(() => void this.names.delete(one.name))
      .catch(() => {}) // the next sweep finds it
      .finally(() => {
        one.stream.destroy()
        this.#removing.delete(removing)
      })
    this.#removing.add(removing)
  }

  state(): { image: string; waiting: number; used: number; hits: number; misses: number }[] {
    const byImage = new Map<string, { image: string; waiting: number; used: number; hits: number; misses: number }>()
    for (const { shape, waiting, hits, misses } of this.#stocks.values()) {
      const image = shape.image.reference
      const row = byImage.get(image) ?? { image, waiting: 0, used: 0, hits: 0, misses: 0 }
      byImage.set(image, {
        image,
        waiting: row.waiting + waiting.length,
        used: row.used + hits + misses,
        hits: row.hits + hits,
        misses: row.misses + misses,
      })
    }
    return [...byImage.values()]
  }

  /** None waits any more; the next start makes it warm again. */
  async cool(): Promise<void> {
    this.#generation++
    clearTimeout(this.#soon)
    for (const stock of this.#stocks.values()) {
      for (const one of stock.waiting.splice(0)) this.#remove(one)
      stock.uses = []
      stock.least = 0
    }
    await this.#tending
    await Promise.all(this.#removing)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.cool()
  }
}
