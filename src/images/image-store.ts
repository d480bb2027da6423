/** Images as rows. The password of a registry is sealed for its row, and opened only for a runner that pulls. */
import type { Sealer } from '../access/secrets.ts'
import type { Queryable } from '../db/pool.ts'
import type { PullPolicy } from '../job/container.ts'
import type { ScriptKind } from '../job/event.ts'

export interface ImageRow {
  id: string
  name: string
  reference: string
  description: string | null
  languages: ScriptKind[]
  pull: PullPolicy
  registryUsername: string | null
  passwordSealed: Buffer | null
  /** Name of a global secret. */
  passwordSecret: string | null
  warmLeast: number
  warmMost: number
  enabled: boolean
  openTo: 'operators' | 'admins'
  createdAt: Date
  updatedAt: Date
}

const columns = `id, name, reference, description, languages, pull, registry_username as "registryUsername",
  password_sealed as "passwordSealed", password_secret as "passwordSecret", warm_least as "warmLeast",
  warm_most as "warmMost", enabled, open_to as "openTo", created_at as "createdAt", updated_at as "updatedAt"`

export async function listImages(db: Queryable): Promise<ImageRow[]> {
  const { rows } = await db.query<ImageRow>(`select ${columns} from images order by name`)
  return rows
}

export async function findImages(db: Queryable, names: readonly string[]): Promise<ImageRow[]> {
  if (names.length === 0) return []
  const { rows } = await db.query<ImageRow>({
    name: 'images_find',
    text: `select ${columns} from images where name = any($1::text[]) order by name`,
    values: [names],
  })
  return rows
}

/** Enabled; the one of a language, if there is one. */
export async function imageOfLanguage(db: Queryable, language: ScriptKind): Promise<ImageRow | null> {
  const { rows } = await db.query<ImageRow>({
    name: 'images_of_language',
    text: `select ${columns} from images where $1 = any(languages) and enabled`,
    values: [language],
  })
  return rows[0] ?? null
}

/** Changes one after another: which language is whose depends on all of them. */
export async function lockImages(tx: Queryable): Promise<ImageRow[]> {
  await tx.query('lock table images in share row exclusive mode')
  return listImages(tx)
}

export type GivenRegistry = { username: string; password: string } | { username: string; passwordSecret: string }

export type PutImage = Pick<
  ImageRow,
  'name' | 'reference' | 'description' | 'languages' | 'pull' | 'warmLeast' | 'warmMost' | 'enabled' | 'openTo'
> & {
  /** Undefined: they stay as they are. */
  registry: GivenRegistry | null | undefined
}

/** `before`: the one of that name, when there is one. */
export async function putImage(
  tx: Queryable,
  sealer: Sealer,
  put: PutImage,
  before: ImageRow | undefined,
): Promise<void> {
  const id = before?.id ?? (await newId(tx))
  const { registry } = put
  const registryColumns =
    registry === undefined
      ? [before?.registryUsername ?? null, before?.passwordSealed ?? null, before?.passwordSecret ?? null]
      : [
          registry?.username ?? null,
          registry !== null && 'password' in registry ? sealPassword(registry.password, id, sealer) : null,
          registry !== null && 'passwordSecret' in registry ? registry.passwordSecret : null,
        ]
  await tx.query(
    `insert into images (id, name, reference, description, languages, pull, registry_username, password_sealed,
       password_secret, warm_least, warm_most, enabled, open_to)
     overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
     on conflict (id) do update set reference = excluded.reference, description = excluded.description,
       languages = excluded.languages, pull = excluded.pull, registry_username = excluded.registry_username,
       password_sealed = excluded.password_sealed, password_secret = excluded.password_secret,
       warm_least = excluded.warm_least, warm_most = excluded.warm_most, enabled = excluded.enabled,
       open_to = excluded.open_to, updated_at = now()`,
    [
      ...[id, put.name, put.reference, put.description, put.languages, put.pull, ...registryColumns],
      ...[put.warmLeast, put.warmMost, put.enabled, put.openTo],
    ],
  )
}

export async function setReference(tx: Queryable, name: string, reference: string): Promise<void> {
  await tx.query('update images set reference = $2, updated_at = now() where name = $1', [name, reference])
}

export async function deleteImage(tx: Queryable, name: string): Promise<boolean> {
  const { rowCount } = await tx.query('delete from images where name = $1', [name])
  return rowCount === 1
}

async function newId(tx: Queryable): Promise<string> {
  const { rows } = await tx.query<{ id: string }>(`select nextval(pg_get_serial_sequence('images', 'id')) as id`)
  return rows[0]!.id
}

export const imageAad = (id: string): string => `image:${id}`

const sealPassword = (password: string, id: string, sealer: Sealer): Buffer =>
  sealer.forPurpose('image').seal(Buffer.from(password), imageAad(id))

/** Null: it has none, or a secret has it. Throws as `Sealer.open` does. */
export const openPassword = ({ id, passwordSealed }: ImageRow, sealer: Sealer): string | null =>
  passwordSealed === null ? null : sealer.forPurpose('image').open(passwordSealed, imageAad(id)).toString()
