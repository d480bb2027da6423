/** Images of jobs that were just claimed: reference, pull policy and the registry's password, as they are now. */
import type { Role } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { findImages, openPassword, type ImageRow } from '../images/image-store.ts'
import type { ContainerOrder } from '../job/container.ts'
import { fullReference } from '../job/image-reference.ts'
import type { PlaceOrder } from '../job/place.ts'
import { isAppError } from '../lib/app-error.ts'
import type { ClaimedJob } from '../queue/types.ts'
import { chooseImage } from './choose-image.ts'
import type { Deps } from './deps.ts'
import { readGlobalSecret } from './read-secrets.ts'
import { imageNamed } from './submit-images.ts'

/** By job key. An owner who may not use the image any more has the attempt refused. */
export async function imagePlaces(deps: Deps, jobs: readonly ClaimedJob[]): Promise<Map<string, PlaceOrder>> {
  const names = [...new Set(jobs.flatMap(({ spec }) => imageNamed(spec) ?? []))]
  const [rows, roles] = await Promise.all([findImages(deps.db, names), rolesOf(deps.db, jobs)])
  const orders = new Map<string, PlaceOrder>()
  for (const job of jobs) {
    const named = imageNamed(job.spec)
    if (named === undefined) continue
    const row = rows.find(({ name }) => name === named)
    const by = { role: roles.get(job.ownerId) ?? 'viewer', allowed: deps.config.containerImages }
    const chosen = chooseImage(named, row, by)
    orders.set(
      job.jobKey,
      'refused' in chosen
        ? { refused: `container.image "${named}" ${chosen.refused}` }
        : await order(deps, job, chosen),
    )
  }
  return orders
}

async function order(
  deps: Deps,
  { publicId, spec }: ClaimedJob,
  { row, reference }: { row: ImageRow | null; reference: string },
): Promise<PlaceOrder> {
  // With its registry, which not every engine guesses alike, and without a tag beside a digest, which podman 4 refuses.
  const container: ContainerOrder = {
    name: row?.name ?? null,
    reference: fullReference(reference),
    pull: row?.pull ?? 'missing',
  }
  if (row === null) return { container }
  if (spec.executor === 'container' && row.warmMost > 0) container.warm = { least: row.warmLeast, most: row.warmMost }
  const { name, registryUsername: username } = row
  if (username === null) return { container }
  try {
    const password =
      openPassword(row, deps.sealer) ?? (await readGlobalSecret(deps, row.passwordSecret!, `job:${publicId}`))
    return { container: { ...container, registry: { username, password } } }
  } catch (error) {
    const why = isAppError(error) ? error.message : 'it cannot be opened'
    return { refused: `image ${name}: no password for its registry: ${why}` }
  }
}

async function rolesOf(db: Queryable, jobs: readonly ClaimedJob[]): Promise<Map<string, Role>> {
  const { rows } = await db.query<{ id: string; role: Role }>({
    name: 'image_places_roles',
    text: 'select id, role from users where id = any($1::bigint[])',
    values: [[...new Set(jobs.map(({ ownerId }) => ownerId))]],
  })
  return new Map(rows.map(({ id, role }) => [id, role]))
}
