/** Tokens to nodes: the control structures. What stands inside an action is `parse-pipe.ts`. */
import { Problem } from './error.ts'
import type { Node, Pipe, Templates } from './nodes.ts'
import { rawLiteral, stringLiteral } from './literals.ts'
import { PipeParser } from './parse-pipe.ts'
import { PlacedProblem, tokenize, type Token } from './tokens.ts'

/** Nested deeper, our stack would end before the template does. */
const mostDepth = 200

/** Throws a `PlacedProblem`. */
export function parse(name: string, text: string, functions: ReadonlySet<string>): Templates {
  return new Parser(tokenize(text), functions).whole(name)
}

type Ending = 'end' | 'else' | 'text'

class Parser {
  readonly #pipes: PipeParser
  readonly #templates: Templates = new Map()
  #depth = 0
  #loops = 0

  constructor(tokens: Token[], functions: ReadonlySet<string>) {
    this.#pipes = new PipeParser(tokens, functions)
  }

  whole(name: string): Templates {
    const main: Node[] = []
    for (;;) {
      const [nodes, ending, at] = this.#list(true)
      main.push(...nodes)
      if (ending === 'text') break
      throw new PlacedProblem(`unexpected {{${ending}}}`, at)
    }
    this.#define(name, main, 0)
    return this.#templates
  }

  /** Until its `end`, its `else` or the end of the text; the word itself is read, what follows it is not. */
  #list(top: boolean): [nodes: Node[], ending: Ending, at: number] {
    const nodes: Node[] = []
    if (++this.#depth > mostDepth) {
      throw new PlacedProblem(`is nested deeper than ${mostDepth} levels`, this.#pipes.peek().at)
    }
    for (;;) {
      const token = this.#pipes.next()
      if (token.kind === 'end' || token.kind === 'text') {
        if (token.kind === 'text') {
          nodes.push({ kind: 'text', at: token.at, text: token.text })
          continue
        }
        this.#depth--
        return [nodes, 'text', token.at]
      }
      const first = this.#pipes.peekPastSpace()
      if (first.kind !== 'keyword') {
        nodes.push({ kind: 'action', at: token.at, pipe: this.#pipes.pipe('close', 'command') })
        continue
      }
      this.#pipes.next()
      if (first.text === 'end' || first.text === 'else') {
        this.#depth--
        return [nodes, first.text, token.at]
      }
      const node = this.#control(first, top)
      if (node) nodes.push(node)
    }
  }

  #control(word: Token, top: boolean): Node | null {
    const { text, at } = word
    switch (text) {
      case 'if':
      case 'with':
      case 'range':
        return this.#branch(text, at)
      case 'break':
      case 'continue':
        this.#pipes.close(text)
        if (this.#loops === 0) throw new PlacedProblem(`{{${text}}} outside {{range}}`, at)
        return { kind: text, at }
      case 'template': {
        const name = this.#name('template')
        const closed = this.#pipes.peekPastSpace().kind === 'close'
        if (closed) this.#pipes.close('template')
        return { kind: 'template', at, name, pipe: closed ? null : this.#pipes.pipe('close', 'template clause') }
      }
      case 'define': {
        if (!top) throw new PlacedProblem('unexpected {{define}} inside another action', at)
        const name = this.#name('define')
        this.#pipes.close('define')
        this.#define(name, this.#separately('define'), at)
        return null
      }
      default: {
        const name = this.#name('block')
        const pipe = this.#pipes.pipe('close', 'block clause')
        this.#define(name, this.#separately('block'), at)
        return { kind: 'template', at, name, pipe }
      }
    }
  }

  #branch(kind: 'if' | 'with' | 'range', at: number): Node {
    const before = this.#pipes.variables.length
    const pipe: Pipe = this.#pipes.pipe('close', kind)
    if (kind === 'range') this.#loops++
    const [list, ending, endAt] = this.#list(false)
    if (kind === 'range') this.#loops--
    let otherwise: Node[] | null = null
    if (ending === 'text') throw new PlacedProblem(`{{${kind}}} without its {{end}}`, at)
    if (ending === 'end') this.#pipes.close('end')
    else if (kind === 'if' && this.#pipes.peekPastSpace().text === 'if') {
      const inner = this.#pipes.next()
      if (++this.#depth > mostDepth) throw new PlacedProblem(`is nested deeper than ${mostDepth} levels`, at)
      otherwise = [this.#branch('if', inner.at)]
      this.#depth--
    } else {
      this.#pipes.close('else')
      const [nodes, last, lastAt] = this.#list(false)
      if (last === 'text') throw new PlacedProblem(`{{else}} without its {{end}}`, endAt)
      if (last === 'else') throw new PlacedProblem('expected {{end}}, found {{else}}', lastAt)
      this.#pipes.close('end')
      otherwise = nodes
    }
    this.#pipes.variables.length = before
    return { kind, at, pipe, list, otherwise }
  }

  /** A template of its own: it sees no variable and no loop of what surrounds it. */
  #separately(what: string): Node[] {
    const { variables } = this.#pipes
    const loops = this.#loops
    this.#pipes.variables = ['$']
    this.#loops = 0
    const [nodes, ending, at] = this.#list(false)
    if (ending === 'text') throw new PlacedProblem(`{{${what}}} without its {{end}}`, at)
    if (ending === 'else') throw new PlacedProblem(`unexpected {{else}} in ${what}`, at)
    this.#pipes.close('end')
    this.#pipes.variables = variables
    this.#loops = loops
    return nodes
  }

  #name(what: string): string {
    const token = this.#pipes.nextPastSpace()
    if (token.kind === 'raw') return rawLiteral(token.text)
    if (token.kind !== 'string') throw new PlacedProblem(`${what} needs a name in quotes`, token.at)
    try {
      return stringLiteral(token.text)
    } catch (error) {
      throw error instanceof Problem ? new PlacedProblem(error.message, token.at) : error
    }
  }

  /** An empty one gives way to one that is not. */
  #define(name: string, nodes: Node[], at: number): void {
    const isEmpty = nodes.every((node) => node.kind === 'text' && node.text.trim() === '')
    const there = this.#templates.get(name)
    const thereIsEmpty = there?.every((node) => node.kind === 'text' && node.text.trim() === '') ?? true
    if (!thereIsEmpty && !isEmpty)
      throw new PlacedProblem(`multiple definition of template ${JSON.stringify(name)}`, at)
    if (thereIsEmpty) this.#templates.set(name, nodes)
  }
}
