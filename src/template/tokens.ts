/** From a template's text to its tokens: plain text, and what stands between {{ and }}. Spaces count: `.a .b` is two. */
import { Problem } from './error.ts'

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'field' // with its dot: .name
  | 'variable' // with its $
  | 'identifier'
  | 'keyword'
  | 'dot'
  | 'nil'
  | 'bool'
  | 'number'
  | 'char'
  | 'string'
  | 'raw'
  | 'declare' // :=
  | 'assign' // =
  | 'comma'
  | 'pipe'
  | '('
  | ')'
  | 'end' // of the text
export interface Token {
  kind: TokenKind
  text: string
  /** UTF-16 units from the beginning of the template. */
  at: number
}

/** A problem and where: the parser's own kind of `Problem`. */
export class PlacedProblem extends Problem {
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

const keywords = new Set(['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'range', 'template', 'with'])
const space = /[ \t\r\n]/
const patterns: [kind: TokenKind, pattern: RegExp][] = [
  ['space', /[ \t\r\n]+/y],
  ['declare', /:=/y],
  ['assign', /=/y],
  ['comma', /,/y],
  ['pipe', /\|/y],
  ['string', /"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"/y],
  ['raw', /`[^`]*`/y],
  ['char', /'[^'\\\n]*(?:\\[^\n][^'\\\n]*)*'/y],
  ['field', /\.[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['variable', /\$[\p{L}\p{Nd}_]*/uy],
  // What follows decides whether it is a good one (`literals.ts`); a sign belongs to it.
  [
    'number',
    /[+-]?(?:0[xX][0-9a-fA-F_.]+(?:[pP][+-]?[0-9_]+)?|\.?[0-9][0-9_.]*(?:[eE][+-]?[0-9_]+)?)[\p{L}\p{Nd}_]*/uy,
  ],
  ['dot', /\./y],
  ['identifier', /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ['(', /\(/y],
  [')', /\)/y],
]
/** These must be followed by something that cannot be a part of them. */
const mustEnd = new Set<TokenKind>(['field', 'variable', 'identifier', 'keyword', 'bool', 'nil'])
const terminators = ' \t\r\n.,|:)('

export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  let trimNext = false
  for (;;) {
    const open = text.indexOf('{{', at)
    let plain = text.slice(at, open === -1 ? undefined : open)
    const trimsBefore = open !== -1 && text[open + 2] === '-' && space.test(text[open + 3] ?? '')
    if (trimNext) plain = plain.replace(/^[ \t\r\n]+/, '')
    if (trimsBefore) plain = withoutTail(plain)
    if (plain !== '') tokens.push({ kind: 'text', text: plain, at })
    if (open === -1) break
    const inside = open + (trimsBefore ? 4 : 2)
    if (text.startsWith('/*', trimsBefore ? inside : open + 2)) {
      const end = text.indexOf('*/', inside + 2)
      if (end === -1) throw new PlacedProblem('unclosed comment', open)
      const close = /[ \t\r\n]-\}\}|\}\}/y
      close.lastIndex = end + 2
      const found = close.exec(text)
      if (!found) throw new PlacedProblem('comment ends before closing delimiter', open)
      trimNext = found[0].length > 2
      at = close.lastIndex
      continue
    }
    tokens.push({ kind: 'open', text: '{{', at: open })
    ;[at, trimNext] = insideAction(text, inside, open, tokens)
  }
  tokens.push({ kind: 'end', text: '', at: text.length })
  return tokens
}

/** By hand: a pattern that ends in `$` looks at each run of blanks again from each of its places. */
function withoutTail(text: string): string {
  let end = text.length
  while (end > 0 && space.test(text[end - 1]!)) end--
  return text.slice(0, end)
}

function insideAction(text: string, from: number, open: number, tokens: Token[]): [at: number, trims: boolean] {
  let at = from
  let depth = 0
  const problem = (message: string, where = at): PlacedProblem => new PlacedProblem(message, where)
  for (;;) {
    const trims = space.test(text[at] ?? '') && text.startsWith('-}}', at + 1)
    if (trims || text.startsWith('}}', at)) {
      if (depth > 0) throw problem('unclosed left paren')
      tokens.push({ kind: 'close', text: '}}', at })
      return [at + (trims ? 4 : 2), trims]
    }
    if (at >= text.length) throw problem('unclosed action: {{ without its }}', open)
    const token = oneToken(text, at)
    if (!token) {
      const char = String.fromCodePoint(text.codePointAt(at)!)
      if (char === '"') throw problem('unterminated quoted string')
      if (char === '`') throw problem('unterminated raw quoted string')
      if (char === "'") throw problem('unterminated character constant')
      throw problem(`unexpected ${JSON.stringify(char)} in a template action`)
    }
    let end = at + token.text.length
    if (token.kind === 'space') {
      // The last blank belongs to `-}}`, should that follow.
      if (text.startsWith('-}}', end) && token.text.length > 1) {
        end--
        token.text = token.text.slice(0, -1)
      }
    }
    if (token.kind === '(') depth++
    if (token.kind === ')' && --depth < 0) throw problem('unexpected right paren')
    const next = text[end] ?? ''
    if (mustEnd.has(token.kind) && next !== '' && !terminators.includes(next) && !text.startsWith('}}', end)) {
      throw problem(`bad character ${JSON.stringify(next)}`, end)
    }
    tokens.push(token)
    at = end
  }
}

function oneToken(text: string, at: number): Token | null {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (!found) continue
    const token: Token = { kind, text: found[0], at }
    if (kind !== 'identifier') return token
    if (token.text === 'nil') token.kind = 'nil'
    else if (token.text === 'true' || token.text === 'false') token.kind = 'bool'
    else if (keywords.has(token.text)) token.kind = 'keyword'
    return token
  }
  return null
}
