/** What a job means by `container.image`, and whether it may have it. Pure. */
import type { Role } from '../access/permissions.ts'
import type { ImageRow } from '../images/image-store.ts'
import { imageName, imageReference } from '../job/container.ts'
import { imageAllowed } from '../job/image-reference.ts'

export type ChosenImage = { row: ImageRow | null; reference: string } | { refused: string }

/** `row`: the entry of the catalogue with that name. A plain word is never a reference: a slip would fetch what it means. */
export function chooseImage(
  named: string,
  row: ImageRow | undefined,
  { role, allowed }: { role: Role; allowed: readonly string[] },
): ChosenImage {
  if (row !== undefined && (row.openTo === 'operators' || role === 'admin')) {
    const refused = problemOf(row, allowed)
    return refused === null ? { row, reference: row.reference } : { refused: `is image ${named}, which ${refused}` }
  }
  const isReference = !imageName.safeParse(named).success && imageReference.safeParse(named).success
  if (isReference && imageAllowed({ name: null, reference: named }, allowed)) return { row: null, reference: named }
  return { refused: `is no image that you may use: ${allowed.length === 0 ? onlyListed : listedOr(allowed)}` }
}

const onlyListed = 'see runyard image ls'
const listedOr = (allowed: readonly string[]): string =>
  `see runyard image ls; references that jobs may name besides: ${allowed.slice(0, 10).join(', ')} (RUNYARD_CONTAINER_IMAGES)`

/** Why no job may use it, after `image x`; null: one may. */
export function problemOf(
  { name, reference, enabled }: Pick<ImageRow, 'name' | 'reference' | 'enabled'>,
  allowed: readonly string[],
): string | null {
  if (!enabled) return 'is disabled'
  if (imageAllowed({ name, reference }, allowed)) return null
  return `means ${reference}, and RUNYARD_CONTAINER_IMAGES does not allow that`
}
