/** YAML text as a tree with places, within bounds: what is too large is refused before it is built. */
import { Composer, isAlias, isMap, isPair, isSeq, Lexer, Parser, type Node } from 'yaml'

/** A bracket inside a bracket, 400 KB of them, ended the process: the library's regular expressions overflow V8. */
const mostDepth = 100
/** Words and signs: a file of 10,000 tasks has 400,000 and takes 0.6 s. */
const mostTokens = 1_000_000
const mostMistakes = 20

export interface Mistake {
  /** Offset in the text. */
  at: number
  message: string
}
export interface Place {
  line: number
  column: number
}

export interface YamlTree {
  /** Null: nothing but comments. */
  root: Node | null
  /** The first: those behind it mostly come from it. */
  mistake: Mistake | null
  place(at: number): Place
  /** What an alias stands for; null when there is no such anchor before it. */
  target(alias: Node): Node | null
}

class TooMuch extends Error {
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

export function parseYaml(text: string): YamlTree {
  const place = placesOf(text)
  // The library compares each name of a map with each other one: 17 s for 20,000 of them.
  const options = { prettyErrors: false, uniqueKeys: false, schema: 'core' } as const
  try {
    const documents = new Composer(options).compose(tokensOf(text), true, text.length)
    const [first, second] = [...documents]
    const mistakes = (first?.errors ?? []).map(({ pos, message }) => ({ at: pos[0], message }))
    if (second !== undefined) {
      const at = second.range?.[0] ?? 0
      mistakes.push({
        at,
        message: 'a second document begins here: one document a file, so remove the `---` before it',
      })
    }
    const mistake = mistakes.reduce<Mistake | null>(
      (early, each) => (early && early.at <= each.at ? early : each),
      null,
    )
    const root = first?.contents ?? null
    let anchors: ReadonlyMap<string, Node[]> | undefined
    return {
      root,
      mistake,
      place,
      target: (alias) => (isAlias(alias) ? lastBefore((anchors ??= anchorsOf(root)).get(alias.source), alias) : null),
    }
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error
    return { root: null, mistake: { at: error.at, message: error.message }, place, target: () => null }
  }
}

/** The library's own count of lines misses some that are in a mistake. */
function placesOf(text: string): (at: number) => Place {
  let starts: number[] | undefined
  return (at) => {
    starts ??= [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)]
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if (starts[middle]! <= at) low = middle
      else high = middle
    }
    return { line: low + 1, column: at - starts[low]! + 1 }
  }
}

function* tokensOf(text: string): Generator<Parameters<Composer['next']>[0]> {
  const parser = new Parser()
  let count = 0
  let wrong = 0
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      if (token.type === 'error' && ++wrong > mostMistakes) throw new TooMuch('this is no YAML', token.offset)
      yield token
    }
    const { offset, stack } = parser as unknown as { offset: number; stack: unknown[] }
    if (stack.length > mostDepth) throw new TooMuch(`is nested deeper than ${mostDepth} levels`, offset)
    if (++count > mostTokens) throw new TooMuch('holds too much for one file: divide it', offset)
  }
  yield* parser.end()
}

/** In the order of the text; without recursion, as trees may be deep. */
function anchorsOf(root: Node | null): Map<string, Node[]> {
  const found = new Map<string, Node[]>()
  const open: unknown[] = [root]
  while (open.length > 0) {
    const node = open.pop()
    if (isPair(node)) open.push(node.value, node.key)
    if (isMap(node) || isSeq(node)) for (let i = node.items.length - 1; i >= 0; i -= 1) open.push(node.items[i])
    const anchor = (node as { anchor?: string } | null)?.anchor
    if (anchor === undefined) continue
    const named = found.get(anchor)
    if (named === undefined) found.set(anchor, [node as Node])
    else named.push(node as Node)
  }
  return found
}

const startOf = (node: Node): number => node.range?.[0] ?? 0
const lastBefore = (nodes: Node[] | undefined, alias: Node): Node | null =>
  nodes?.findLast((node) => startOf(node) < startOf(alias)) ?? null
