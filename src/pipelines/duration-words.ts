const units = [
  ['h', 3_600_000],
  ['m', 60_000],
] as const

/** As the YAML has it: `1h30m`, `45s`, `0.5s`. */
export function durationWords(ms: number): string {
  let rest = ms
  let words = ''
  for (const [letter, size] of units) {
    const count = Math.floor(rest / size)
    if (count > 0) words += `${count}${letter}`
    rest -= count * size
  }
  return rest > 0 || words === '' ? `${words}${rest / 1000}s` : words
}
