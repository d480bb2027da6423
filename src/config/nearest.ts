/** Edit distance between two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}

/** The known word that was probably meant, or nothing when none is near. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: { word: string; away: number } | undefined
  for (const candidate of known) {
    const away = distance(word.toUpperCase(), candidate.toUpperCase())
    if (!best || away < best.away) best = { word: candidate, away }
  }
  return best && best.away <= Math.max(2, Math.floor(word.length / 4)) ? best.word : undefined
}
