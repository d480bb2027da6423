export type TokenKind = 'key' | 'string' | 'number' | 'word' | 'rest'
export interface Token {
  kind: TokenKind
  text: string
}

const pattern = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g

/** Pieces of JSON by what they are; together they are the text. */
export function jsonTokens(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const add = (kind: TokenKind, piece: string) => {
    if (piece !== '') tokens.push({ kind, text: piece })
  }
  for (const match of text.matchAll(pattern)) {
    add('rest', text.slice(at, match.index))
    const [whole, quoted, colon] = match
    if (quoted === undefined) add(/^[tfn]/.test(whole) ? 'word' : 'number', whole)
    else {
      add(colon === undefined ? 'string' : 'key', quoted)
      add('rest', colon ?? '')
    }
    at = match.index + whole.length
  }
  add('rest', text.slice(at))
  return tokens
}
