/**
 * One value of a definition file with its place. Each reader answers the value, or undefined after it wrote down what is
 * wrong; nothing (`key:` and no more) is what a missing key is.
 */
import { isAlias, isMap, isPair, isScalar, isSeq, type Node, type Pair, type Scalar } from 'yaml'
import { nearest } from '../config/nearest.ts'
import { pipelineLimits } from '../job/pipeline.ts'
import type { Problems } from './definition-problems.ts'
import { parseGoDuration } from './go-duration.ts'
import type { YamlTree } from './parse-yaml.ts'

export interface FileContext {
  text: string
  tree: YamlTree
  problems: Problems
  /** Paths of keys that are given twice. */
  repeated: Set<string>
  aliases: { used: number; nodes: number }
}

/** What aliases stand for may be read over and over. */
const mostAliasNodes = 200_000
const mostJsonDepth = 100
const yes = /^(?:y|yes|on)$/i
const no = /^(?:n|no|off)$/i
const ownTag = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/

export class Field {
  readonly file: FileContext
  readonly node: Node | null
  /** Where the name of the key, or the entry of the list, stands. */
  readonly at: number
  readonly path: string

  constructor(file: FileContext, node: unknown, at: number, path: string) {
    this.file = file
    this.at = at
    this.path = path
    this.node = this.#resolved(node as Node | null)
  }

  get empty(): boolean {
    return this.node === null || (isScalar(this.node) && this.node.value === null)
  }

  get isList(): boolean {
    return isSeq(this.node)
  }

  get isMap(): boolean {
    return isMap(this.node)
  }

  get isText(): boolean {
    return isScalar(this.node)
  }

  wrong(message: string): undefined {
    this.file.problems.error(this.at, this.path, message)
  }

  /** As it was written, whatever YAML takes it for: `1`, `yes` and `2024-01-01` are text where text is meant. */
  text(): string | undefined {
    if (!isScalar(this.node)) return this.empty ? '' : this.#notText()
    const text = textOf(this.node)
    if (text.includes('\0')) return this.wrong('must not contain a NUL character')
    if (!text.isWellFormed()) return this.wrong('must be valid Unicode')
    return text
  }

  bool(): boolean | undefined {
    const { node } = this
    if (isScalar(node) && typeof node.value === 'boolean') return node.value
    const plain = isScalar(node) && node.type === 'PLAIN' ? String(node.value) : ''
    // The YAML of prunner's library is 1.1.
    if (yes.test(plain)) return true
    if (no.test(plain)) return false
    return this.wrong('must be true or false')
  }

  int(least: number, most: number): number | undefined {
    const value = isScalar(this.node) ? this.node.value : undefined
    if (typeof value !== 'number' || !Number.isInteger(value)) return this.wrong('must be a whole number')
    if (value < least) return this.wrong(`must be ${least} or more, not ${value}`)
    if (value > most) return this.wrong(`must be at most ${most}, not ${value}`)
    return value
  }

  number(least: number, most: number): number | undefined {
    const value = isScalar(this.node) ? this.node.value : undefined
    if (typeof value !== 'number' || !(value >= least && value <= most)) {
      return this.wrong(`must be a number from ${least} to ${most}`)
    }
    return value
  }

  /** Milliseconds. */
  duration(least: number, most: number): number | undefined {
    const text = this.text()
    if (text === undefined) return undefined
    const ms = parseGoDuration(text)
    if (typeof ms === 'string') return this.wrong(/^[\d.]+$/.test(text) ? `needs a unit: write \`${text}s\`` : ms)
    if (ms < 0) return this.wrong('must not be negative')
    if (ms < least || ms > most) return this.wrong(`must be from ${least / 1000}s to ${most / 3_600_000}h`)
    return ms
  }

  oneOf<T extends string>(words: readonly T[]): T | undefined {
    const text = this.text()
    const found = words.find((word) => word === text)
    if (found !== undefined || text === undefined) return found
    const near = guess(text, words)
    return this.wrong(
      `${shown(text)} is not known: must be ${words.join(', ')}${near ? `; did you mean \`${near}\`?` : ''}`,
    )
  }

  /** At most `most`, with places; `example` is what to write instead of something else. */
  list(most: number, example: string): Field[] {
    if (this.empty) return []
    const { node } = this
    if (!isSeq(node)) return this.wrong(`must be a list: write \`${example}\``) ?? []
    if (node.items.length > most) {
      return this.wrong(`has ${node.items.length} entries: at most ${most}, so divide it`) ?? []
    }
    return node.items.map((item, i) => new Field(this.file, item, startOf(item, this.at), `${this.path}[${i}]`))
  }

  /** Names and values in the order of the file; what is given twice is wrong, what a merge key brings gives way. */
  entries(example: string): { name: string; field: Field }[] {
    if (this.empty) return []
    const found = new Map<string, Field>()
    for (const [name, field] of this.#pairs(example, 0)) if (!found.has(name)) found.set(name, field)
    return [...found].map(([name, field]) => ({ name, field }))
  }

  /** Those that are known; an unknown one of `ours` is an error, as no other program has to understand it. */
  keys<K extends string>(known: readonly K[], ours: boolean, example: string): Partial<Record<K, Field>> {
    const found: Partial<Record<K, Field>> = {}
    const names = new Set<string>(known)
    for (const { name, field } of this.entries(example)) {
      if (names.has(name)) found[name as K] = field
      else this.#unknown(name, field, known, ours)
    }
    return found
  }

  #unknown(name: string, field: Field, known: readonly string[], ours: boolean): void {
    const near = guess(name, known)
    const { problems } = this.file
    const message = `${shown(name)} is not known${near ? `: did you mean \`${near}\`?` : ours ? `: there are ${known.join(', ')}` : ', and ignored: remove it'}`
    if (ours) problems.error(field.at, field.path, message)
    else problems.odd(field.at, field.path, message)
  }

  /** What JSON can say; `depth` counts from here. */
  json(depth = 0): unknown {
    const { node } = this
    // No text is nested so deep (parse-yaml.ts): an alias stands within what it stands for.
    if (depth > mostJsonDepth) throw new AliasBomb(this.at)
    if (isMap(node)) {
      return Object.fromEntries(this.entries('{}').map(({ name, field }) => [name, field.json(depth + 1)]))
    }
    if (isSeq(node)) return this.list(Infinity, '[]').map((each) => each.json(depth + 1))
    if (!isScalar(node) || node.value === null) return null
    if (typeof node.value === 'number' && !Number.isFinite(node.value)) return this.wrong('is no number of JSON')
    return typeof node.value === 'string' ? this.text() : node.value
  }

  #notText(): undefined {
    const { text } = this.file
    const start = startOf(this.node, this.at)
    if (text.startsWith('{{', start)) return this.wrong("must be text: put quotes around it, e.g. '{{ .name }}'")
    return this.wrong(`must be text, not a ${isMap(this.node) ? 'mapping' : 'list'}: put quotes around it`)
  }

  *#pairs(example: string, merges: number): Generator<[string, Field]> {
    const { node } = this
    if (!isMap(node)) return this.wrong(`must be a mapping: write \`${example}\``)
    const merged: Field[] = []
    const seen = new Set<string>()
    for (const pair of node.items as Pair[]) {
      const { key, value } = pair
      const at = startOf(key, this.at)
      if (isScalar(key) && key.type === 'PLAIN' && key.value === '<<')
        merged.push(new Field(this.file, value, at, this.path))
      else if (!isScalar(key) || key.value === null) this.file.problems.error(at, this.path, 'a key must be text')
      else {
        const name = textOf(key)
        const path = this.path === '' ? name : `${this.path}.${clip(name)}`
        const field = new Field(this.file, value, at, path)
        if (name.includes('\0') || !name.isWellFormed())
          field.wrong('a key must be valid Unicode without a NUL character')
        else if (seen.has(name)) {
          this.file.repeated.add(path)
          field.wrong(`${shown(name)} is given twice: remove one`)
        } else yield [name, field]
        seen.add(name)
      }
    }
    for (const each of merged) yield* each.#merged(merges + 1)
  }

  /** `<<: *base` or a list of them. */
  *#merged(depth: number): Generator<[string, Field]> {
    if (depth > mostJsonDepth) return this.wrong('merges itself')
    const parts = isSeq(this.node) ? this.list(mostJsonDepth, '[*a, *b]') : [this]
    for (const part of parts) yield* part.#pairs('*name', depth)
  }

  #resolved(node: Node | null): Node | null {
    let found = node
    for (let hops = 0; isAlias(found); hops += 1) {
      const { aliases, tree } = this.file
      const target = tree.target(found)
      if (target === null) return this.wrong(`there is no anchor &${found.source} before it`) ?? null
      aliases.used += 1
      aliases.nodes += sizeOf(target)
      if (hops > 10 || aliases.used > pipelineLimits.aliases || aliases.nodes > mostAliasNodes)
        throw new AliasBomb(this.at)
      found = target
    }
    const tag = (found as { tag?: string } | null)?.tag
    if (tag !== undefined && !ownTag.test(tag)) return this.wrong(`no tags here: remove ${clip(tag)}`) ?? null
    return found
  }
}

/** Reading on would never end. */
export class AliasBomb extends Error {
  readonly at: number
  constructor(at: number) {
    super(`aliases stand for too much: at most ${pipelineLimits.aliases} of them`)
    this.at = at
  }
}

const sizes = new WeakMap<Node, number>()
/** Nodes below, aliases counted as one. */
function sizeOf(node: Node): number {
  const known = sizes.get(node)
  if (known !== undefined) return known
  let size = 0
  for (const open: unknown[] = [node]; open.length > 0; size += 1) {
    const next = open.pop()
    if (isPair(next)) open.push(next.value)
    else if (isMap(next) || isSeq(next)) open.push(...(next.items.length > 10_000 ? [] : next.items))
    if ((isMap(next) || isSeq(next)) && next.items.length > 10_000) size += next.items.length
  }
  sizes.set(node, size)
  return size
}

const startOf = (node: unknown, otherwise: number): number => (node as Node | null)?.range?.[0] ?? otherwise

function textOf(scalar: Scalar): string {
  if (typeof scalar.value === 'string') return scalar.value
  return scalar.value === null ? '' : (scalar.source ?? String(scalar.value))
}

/** A name that was chosen by somebody, no longer than helps to find it. */
const clip = (name: string): string => (name.length > 60 ? `${name.slice(0, 59)}…` : name)
export const shown = (name: string): string => `\`${clip(name)}\``

/** What others call it, too far away to be guessed or nearer to another word. */
const otherWords = new Map<string, string>([
  ...['retries', 'attempts', 'max_attempts'].map((word): [string, string] => [word, 'retry']),
  ...['cron', 'schedules', 'every'].map((word): [string, string] => [word, 'schedule']),
  ...['needs', 'dependsOn', 'after', 'requires'].map((word): [string, string] => [word, 'depends_on']),
  ...['run', 'command', 'commands', 'cmd'].map((word): [string, string] => [word, 'script']),
  ...['environment', 'envs'].map((word): [string, string] => [word, 'env']),
  ...['matrix', 'foreach', 'with_items'].map((word): [string, string] => [word, 'for_each']),
  ...['continue_on_error', 'ignore_errors'].map((word): [string, string] => [word, 'allow_failure']),
])

function guess(word: string, known: readonly string[]): string | undefined {
  const other = otherWords.get(word)
  if (other !== undefined && known.includes(other)) return other
  return word.length > 2 && word.length < 60 ? nearest(word, known) : undefined
}
