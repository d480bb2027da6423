import type { Image } from '../../lib/api.ts'

export const languageLabels: Record<Image['languages'][number], string> = {
  bash: 'Bash',
  python: 'Python',
  node: 'Node',
}
export const languages = Object.keys(languageLabels) as Image['languages']

export const pullLabels: Record<Image['pull'], string> = {
  missing: 'When it is missing',
  always: 'Before each job',
  never: 'Never: it must be there',
}

/** All runners together: how many wait, and how many jobs found one. */
export function warmOf({ runners }: Pick<Image, 'runners'>) {
  const sum = { waiting: 0, used: 0, hits: 0, misses: 0 }
  for (const { warm } of runners) {
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += warm?.[key] ?? 0
  }
  return sum
}

/** `93 %` of the jobs found a warm one; null before the first. */
export const hitRate = ({ hits, misses }: { hits: number; misses: number }): string | null =>
  hits + misses === 0 ? null : `${Math.round((100 * hits) / (hits + misses))} %`
