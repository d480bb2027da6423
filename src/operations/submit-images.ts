/** Images that jobs name, when they are submitted. Asked again at each attempt (`image-places.ts`). */
import type { Queryable } from '../db/pool.ts'
import { findImages } from '../images/image-store.ts'
import type { StoredSpec } from '../job/spec.ts'
import type { FieldProblem } from '../lib/app-error.ts'
import { chooseImage } from './choose-image.ts'
import type { PlacedBy } from './submit-places.ts'

type Placed = Pick<StoredSpec, 'executor' | 'container'>

/** Of those executors the image is ours to judge. */
const withImages: readonly string[] = ['container', 'kubernetes']
export const imageNamed = ({ executor, container }: Placed): string | undefined =>
  withImages.includes(executor) ? container?.image : undefined

/** Of each spec, in order. */
export async function submitImages(
  db: Queryable,
  { role, config }: PlacedBy,
  specs: readonly Placed[],
): Promise<FieldProblem[][]> {
  const names = [...new Set(specs.flatMap((spec) => imageNamed(spec) ?? []))]
  const rows = await findImages(db, names)
  return specs.map((spec) => {
    const named = imageNamed(spec)
    if (named === undefined) return []
    const row = rows.find(({ name }) => name === named)
    const chosen = chooseImage(named, row, { role, allowed: config.containerImages })
    return 'refused' in chosen ? [{ field: 'container.image', message: `"${named}" ${chosen.refused}` }] : []
  })
}
