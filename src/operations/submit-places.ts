/**
 * What a job says of places elsewhere, checked when it is submitted: hosts that it names, images. `label:key=value`
 * becomes the names of the hosts that have the label now, so that a job shows where it goes.
 */
import type { Role } from '../access/permissions.ts'
import type { Config } from '../config/config.ts'
import type { Queryable } from '../db/pool.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import type { StoredSpec } from '../job/spec.ts'
import type { Deps, KnownAsk } from './deps.ts'
import { submitImages } from './submit-images.ts'
import { submitHosts } from './submit-hosts.ts'

type Placed = Pick<StoredSpec, 'executor' | 'hosts' | 'hosts_at_once' | 'container'>

/** Whose job it is, and what the administrator allows. */
export interface PlacedBy {
  role: Role
  config: Pick<Config, 'containerImages'>
}

/** Of whoever asks, who submits as a person. */
export const placedBy = ({ principal }: KnownAsk, { config }: Pick<Deps, 'config'>): PlacedBy => ({
  role: principal.role ?? 'viewer',
  config,
})

/** `hosts` takes the place of what the spec had. */
export interface CheckedPlace {
  problems: FieldProblem[]
  hosts?: string[]
}

/** Of each spec, in order; null: it is of the sandbox. Most lists have no other and cost nothing. */
export async function checkPlaces(
  db: Queryable,
  by: PlacedBy,
  specs: readonly Placed[],
): Promise<(CheckedPlace | null)[] | null> {
  if (specs.every(({ executor }) => executor === 'sandbox')) return null
  const [hosts, images] = [await submitHosts(db, by.role, specs), await submitImages(db, by, specs)]
  return specs.map(({ executor }, i) => {
    if (executor === 'sandbox') return null
    const one = hosts[i] ?? null
    return { problems: [...(one?.problems ?? []), ...images[i]!], ...(one?.hosts && { hosts: one.hosts }) }
  })
}

/** The same specs, with hosts by name. Throws with all problems, at `prefix(i)` and the field. */
export async function withPlaces<T extends Placed>(
  db: Queryable,
  by: PlacedBy,
  specs: readonly T[],
  prefix: (i: number) => string,
): Promise<readonly T[]> {
  const checked = await checkPlaces(db, by, specs)
  if (checked === null) return specs
  const fields = checked.flatMap((one, i) =>
    (one?.problems ?? []).map((problem) => ({ ...problem, field: `${prefix(i)}${problem.field}` })),
  )
  if (fields.length > 0) throw placesRefused(fields)
  return specs.map((spec, i) => {
    const hosts = checked[i]?.hosts
    return hosts === undefined ? spec : { ...spec, hosts }
  })
}

export function placesRefused(fields: readonly FieldProblem[]): AppError {
  const more = fields.length > 1 ? ` (and ${fields.length - 1} more)` : ''
  return new AppError('invalid_argument', `${fields[0]!.field}: ${fields[0]!.message}${more}`, {
    fields: fields.slice(0, 100),
  })
}
