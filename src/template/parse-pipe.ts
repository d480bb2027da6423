/** What stands inside an action: commands, their arguments, variables and parentheses. */
import { Problem } from './error.ts'
import { charLiteral, numberLiteral, rawLiteral, stringLiteral } from './literals.ts'
import { describe, type Command, type Operand, type Pipe } from './nodes.ts'
import { PlacedProblem, type Token } from './tokens.ts'

const mostParentheses = 200

export class PipeParser {
  readonly #tokens: Token[]
  readonly #functions: ReadonlySet<string>
  #next = 0
  #parentheses = 0
  /** In sight at this place. */
  variables: string[] = ['$']

  constructor(tokens: Token[], functions: ReadonlySet<string>) {
    this.#tokens = tokens
    this.#functions = functions
  }

  next(): Token {
    return this.#tokens[Math.min(this.#next++, this.#tokens.length - 1)]!
  }

  peek(): Token {
    return this.#tokens[Math.min(this.#next, this.#tokens.length - 1)]!
  }

  peekPastSpace(): Token {
    if (this.peek().kind === 'space') this.#next++
    return this.peek()
  }

  nextPastSpace(): Token {
    this.peekPastSpace()
    return this.next()
  }

  close(what: string): void {
    const token = this.nextPastSpace()
    if (token.kind !== 'close') throw new PlacedProblem(`unexpected ${JSON.stringify(token.text)} in ${what}`, token.at)
  }

  pipe(ending: 'close' | ')', what: string): Pipe {
    const { at } = this.peekPastSpace()
    const pipe: Pipe = { at, variables: [], assigns: false, commands: [] }
    const added = this.#declarations(pipe, what)
    for (;;) {
      const token = this.peekPastSpace()
      if (token.kind === ending) {
        this.next()
        this.#check(pipe, what)
        break
      }
      pipe.commands.push(this.#command(what))
    }
    if (!pipe.assigns) this.variables.push(...added)
    return pipe
  }

  #declarations(pipe: Pipe, what: string): string[] {
    const from = this.#next
    const first = this.peekPastSpace()
    if (first.kind !== 'variable') return []
    this.next()
    let token = this.peekPastSpace()
    const names = [first.text]
    if (token.kind === 'comma') {
      if (what !== 'range') throw new PlacedProblem(`too many declarations in ${what}`, token.at)
      this.next()
      const second = this.nextPastSpace()
      if (second.kind !== 'variable') throw new PlacedProblem('range can only initialize variables', second.at)
      names.push(second.text)
      token = this.peekPastSpace()
      if (token.kind === 'comma') throw new PlacedProblem(`too many declarations in ${what}`, token.at)
      if (token.kind !== 'declare' && token.kind !== 'assign') {
        throw new PlacedProblem('range can only initialize variables', token.at)
      }
    }
    if (token.kind !== 'declare' && token.kind !== 'assign') {
      this.#next = from
      return []
    }
    this.next()
    pipe.variables = names
    pipe.assigns = token.kind === 'assign'
    if (pipe.assigns) for (const name of names) this.#mustBeKnown(name, first.at)
    return names
  }

  #check(pipe: Pipe, what: string): void {
    if (pipe.commands.length === 0) throw new PlacedProblem(`missing value for ${what}`, pipe.at)
    for (const [i, { words, at }] of pipe.commands.entries()) {
      if (i > 0 && ['literal', 'dot', 'nil'].includes(words[0].kind)) {
        throw new PlacedProblem(`non executable command in pipeline stage ${i + 1}`, at)
      }
    }
  }

  /** Up to the end of the pipeline or the next `|`, which is read. */
  #command(what: string): Command {
    const { at } = this.peekPastSpace()
    const words: Operand[] = []
    for (;;) {
      const token = this.peekPastSpace()
      if (token.kind === 'close' || token.kind === ')') break
      if (token.kind === 'pipe') {
        this.next()
        break
      }
      words.push(this.#operand(what))
      const after = this.peek()
      if (!['space', 'close', ')', 'pipe'].includes(after.kind)) throw this.#unexpected(after, 'operand')
    }
    const [first, ...rest] = words
    if (!first) throw new PlacedProblem('empty command', at)
    return { at, words: [first, ...rest] }
  }

  #operand(what: string): Operand {
    const node = this.#term(what)
    if (this.peek().kind !== 'field') return node
    const path: string[] = []
    while (this.peek().kind === 'field') path.push(this.next().text.slice(1))
    if (node.kind === 'field' || node.kind === 'variable') return { ...node, path: [...node.path, ...path] }
    if (node.kind === 'literal' || node.kind === 'nil' || node.kind === 'dot') {
      throw new PlacedProblem(`unexpected . after term ${describe(node)}`, node.at)
    }
    return { kind: 'chain', at: node.at, of: node, path }
  }

  #term(what: string): Operand {
    const token = this.next()
    const { at, text } = token
    try {
      switch (token.kind) {
        case 'identifier':
          if (!this.#functions.has(text)) throw new PlacedProblem(`function ${JSON.stringify(text)} not defined`, at)
          return { kind: 'function', at, name: text }
        case 'dot':
          return { kind: 'dot', at }
        case 'nil':
          return { kind: 'nil', at }
        case 'variable':
          this.#mustBeKnown(text, at)
          return { kind: 'variable', at, name: text, path: [] }
        case 'field':
          return { kind: 'field', at, path: [text.slice(1)] }
        case 'bool':
          return { kind: 'literal', at, value: text === 'true', source: text }
        case 'number':
          return { kind: 'literal', at, value: numberLiteral(text), source: text }
        case 'char':
          return { kind: 'literal', at, value: charLiteral(text), source: text }
        case 'string':
          return { kind: 'literal', at, value: stringLiteral(text), source: text }
        case 'raw':
          return { kind: 'literal', at, value: rawLiteral(text), source: text }
        case '(': {
          if (++this.#parentheses > mostParentheses) {
            throw new PlacedProblem(`parentheses are nested deeper than ${mostParentheses} levels`, at)
          }
          const pipe = this.pipe(')', 'parenthesized pipeline')
          this.#parentheses--
          return { kind: 'pipe', at, pipe }
        }
      }
    } catch (error) {
      if (error instanceof Problem && !(error instanceof PlacedProblem)) throw new PlacedProblem(error.message, at)
      throw error
    }
    throw this.#unexpected(token, what)
  }

  #mustBeKnown(name: string, at: number): void {
    if (!this.variables.includes(name)) throw new PlacedProblem(`undefined variable ${JSON.stringify(name)}`, at)
  }

  #unexpected(token: Token, what: string): PlacedProblem {
    const found = token.kind === 'end' ? 'the end of the text' : JSON.stringify(token.text)
    return new PlacedProblem(`unexpected ${found} in ${what}`, token.at)
  }
}
