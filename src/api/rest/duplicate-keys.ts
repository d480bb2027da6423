/** JSON.parse lets the last of two equal keys win in silence; who checked the first one was fooled (R11). */
import { fieldPath } from '../../lib/issue-fields.ts'

/** Where the text that opens at `from` closes; the end of all when it does not, which is no JSON. */
function endOfText(json: string, from: number): number {
  for (let at = json.indexOf('"', from + 1); ; at = json.indexOf('"', at + 1)) {
    if (at < 0) return json.length
    let slashes = 0
    while (json[at - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return at
  }
}

/** Index of the colon behind a key, or -1: a text that is a value. */
function colonAfter(json: string, end: number): number {
  let at = end + 1
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\t' || json[at] === '\r') at++
  return json[at] === ':' ? at : -1
}

/** Keys as they are written, equal ones too: more than the parsed value has means that some are lost. */
export function countWrittenKeys(json: string): number {
  let keys = 0
  for (let at = json.indexOf('"'); at >= 0;) {
    const end = endOfText(json, at)
    if (colonAfter(json, end) >= 0) keys++
    at = json.indexOf('"', end + 1)
  }
  return keys
}

interface Level {
  /** Of an object; null of a list. */
  keys: Set<string> | null
  /** Where the walk is in it. */
  at: string | number
}

/** Paths of the keys that are there again, at most `most`. Walks every character, so only when there are some. */
export function duplicateKeys(json: string, most = 100): string[] {
  const found: string[] = []
  const levels: Level[] = []
  for (let at = 0; at < json.length && found.length < most; at++) {
    const level = levels.at(-1)
    const char = json[at]
    if (char === '{') levels.push({ keys: new Set(), at: '' })
    else if (char === '[') levels.push({ keys: null, at: 0 })
    else if (char === '}' || char === ']') levels.pop()
    else if (char === ',' && typeof level?.at === 'number') level.at++
    else if (char === '"') {
      const end = endOfText(json, at)
      if (level?.keys && colonAfter(json, end) >= 0) {
        const key = JSON.parse(json.slice(at, end + 1)) as string
        level.at = key
        if (level.keys.has(key)) found.push(fieldPath(levels.map((one) => one.at)))
        level.keys.add(key)
      }
      at = end
    }
  }
  return found
}
