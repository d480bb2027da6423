/** Ms between two looks at the files of an attempt. */
export const lookMs = { least: 25, most: 250, mostWhenLong: 1_000, longAfter: 10_000 }

/** Ms until the next look: soon at first and after something came, later when nothing does. */
export function pauses(): () => number {
  const since = performance.now()
  let last = lookMs.least / 1.4
  return () => {
    const most = performance.now() - since > lookMs.longAfter ? lookMs.mostWhenLong : lookMs.most
    return (last = Math.min(most, last * 1.4))
  }
}
