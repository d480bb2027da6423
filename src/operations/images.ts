/** The catalogue of images: seen by everybody, changed by administrators, passwords of registries shown to nobody. */
import { may } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import {
  deleteImage,
  findImages,
  listImages,
  lockImages,
  putImage,
  setReference,
  type GivenRegistry,
  type ImageRow,
} from '../images/image-store.ts'
import type { PullPolicy } from '../job/container.ts'
import { scriptKinds, type ScriptKind } from '../job/event.ts'
import { fullReference, partsOf, pinned } from '../job/image-reference.ts'
import { AppError } from '../lib/app-error.ts'
import { listRunners } from '../queue/runners.ts'
import { audited } from './audited.ts'
import { problemOf } from './choose-image.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { placeOfScripts } from './event-place.ts'
import { enginesOf, type SeenEngine } from './image-engines.ts'
import { onlyAdmin } from './people-changes.ts'

export interface PutImageInput {
  name: string
  reference: string
  description: string | null
  languages: ScriptKind[]
  pull: PullPolicy
  registry?:
    | { username: string; password?: string | undefined; password_secret?: string | undefined }
    | null
    | undefined
  warm: { least: number; most: number }
  enabled: boolean
  open_to: 'operators' | 'admins'
}

function show(row: ImageRow, engines: readonly SeenEngine[], { config }: Deps, ask: KnownAsk) {
  const reference = fullReference(row.reference)
  const changes = may(ask.principal, 'image.change')
  return {
    ...{ name: row.name, reference: row.reference, description: row.description, languages: row.languages },
    ...{ pull: row.pull, enabled: row.enabled, open_to: row.openTo },
    digest: partsOf(row.reference).digest,
    registry:
      changes && row.registryUsername !== null
        ? { username: row.registryUsername, password_secret: row.passwordSecret }
        : null,
    warm: { least: row.warmLeast, most: row.warmMost },
    problem: row.enabled ? problemOf(row, config.containerImages) : null,
    runners: engines.map(({ runner, images, warm }) => ({
      ...{ runner, present: images && images.has(reference), warm: warm.get(reference) ?? null },
    })),
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  }
}

function mayRead(ask: KnownAsk): void {
  if (!may(ask.principal, 'image.read')) throw refusal(ask, 'image.read', 'you may not see images')
}

const seenBy = ({ openTo }: ImageRow, { principal }: KnownAsk): boolean =>
  openTo === 'operators' || principal.role !== 'operator'

const engines = async (db: Queryable): Promise<SeenEngine[]> => enginesOf(await listRunners(db))

export async function listImagesFor(deps: Deps, anyAsk: Ask) {
  const ask = known(anyAsk)
  mayRead(ask)
  const { role } = ask.principal
  const [rows, seen] = await Promise.all([listImages(deps.db), engines(deps.db)])
  const events = await Promise.all(
    scriptKinds.map(async (language) => ({
      language,
      ...(await placeOfScripts(deps.db, { role: role ?? 'viewer', config: deps.config }, language)),
    })),
  )
  return {
    images: rows.filter((row) => seenBy(row, ask)).map((row) => show(row, seen, deps, ask)),
    engines: seen.map(({ runner, engine, version, problem }) => ({ runner, engine, version, problem })),
    allowed: deps.config.containerImages,
    events,
  }
}

export async function getImage(deps: Deps, anyAsk: Ask, name: string) {
  const ask = known(anyAsk)
  mayRead(ask)
  return shown(deps.db, deps, ask, name)
}

async function shown(db: Queryable, deps: Deps, ask: KnownAsk, name: string) {
  const [row] = await findImages(db, [name])
  if (row === undefined || !seenBy(row, ask)) throw notFound('image')
  return show(row, await engines(db), deps, ask)
}

export async function putImageBy(deps: Deps, anyAsk: Ask, input: PutImageInput) {
  const ask = known(anyAsk)
  const { name, reference, enabled, warm } = input
  return audited(deps, ask, { action: 'image.put', target: `image:${name}` }, async (tx, note) => {
    onlyAdmin(ask, 'image.change')
    const all = await lockImages(tx)
    const put = {
      ...input,
      ...{ languages: [...new Set(input.languages)], openTo: input.open_to },
      ...{ warmLeast: warm.least, warmMost: warm.most, registry: registryOf(input.registry) },
    }
    checkAllowed(put, deps)
    checkLanguages(put, all)
    const before = all.find((row) => row.name === name)
    await putImage(tx, deps.sealer, put, before)
    const { languages, pull, open_to } = input
    note({
      ...{ reference, languages, pull, enabled, open_to, made: before === undefined },
      ...(before !== undefined && before.reference !== reference && { was: before.reference }),
      registry: input.registry === undefined ? 'as it was' : (input.registry?.username ?? null),
    })
    return shown(tx, deps, ask, name)
  })
}

function registryOf(given: PutImageInput['registry']): GivenRegistry | null | undefined {
  if (given === undefined || given === null) return given
  const { username, password, password_secret: passwordSecret } = given
  return password === undefined ? { username, passwordSecret: passwordSecret! } : { username, password }
}

function checkAllowed(row: Pick<ImageRow, 'name' | 'reference' | 'enabled'>, { config }: Deps): void {
  const problem = row.enabled ? problemOf(row, config.containerImages) : null
  if (problem === null) return
  throw wrongField(
    'reference',
    `"${row.reference}" is not among RUNYARD_CONTAINER_IMAGES: ${config.containerImages.join(', ')}`,
  )
}

/** Two images of one language: no script could say which of them it gets. */
function checkLanguages(put: Pick<ImageRow, 'name' | 'languages' | 'enabled'>, all: readonly ImageRow[]): void {
  if (!put.enabled) return
  for (const [i, language] of put.languages.entries()) {
    const other = all.find((row) => row.name !== put.name && row.enabled && row.languages.includes(language))
    if (other !== undefined) {
      const message = `${language} is the language of image ${other.name}: take it from there first`
      throw wrongField(`languages[${i}]`, message, 'conflict')
    }
  }
}

/** `digest` left out: of the image that the runners have under this reference. */
export async function pinImage(
  deps: Deps,
  anyAsk: Ask,
  { name, digest: given }: { name: string; digest?: string | undefined },
) {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'image.pin', target: `image:${name}` }, async (tx, note) => {
    onlyAdmin(ask, 'image.change')
    const row = (await lockImages(tx)).find((one) => one.name === name)
    if (row === undefined) throw notFound('image')
    const digest = given ?? digestOf(row, await engines(tx))
    const reference = pinned(row.reference, digest)
    checkAllowed({ ...row, reference }, deps)
    await setReference(tx, name, reference)
    note({ reference, was: row.reference, by: given === undefined ? 'runners' : 'hand' })
    return shown(tx, deps, ask, name)
  })
}

function digestOf({ name, reference }: ImageRow, seen: readonly SeenEngine[]): string {
  const { repository, tag } = partsOf(reference)
  const byTag = `${repository}:${tag ?? 'latest'}`
  const found = seen
    .map(({ runner, digests }) => ({ runner, all: digests.get(byTag) ?? [] }))
    .filter(({ all }) => all.length > 0)
  const [first, ...others] = found
  if (first === undefined) {
    const fix = `run a job in it first, or give the digest: runyard image pin ${name} sha256:…`
    throw new AppError('failed_precondition', `no runner online has a digest of ${byTag}; ${fix}`)
  }
  const digest = first.all.find((one) => others.every(({ all }) => all.includes(one)))
  if (digest !== undefined) return digest
  const said = found.map(({ runner, all }) => `${runner}: ${all.join(', ')}`).join('; ')
  throw new AppError('failed_precondition', `runners have different images under ${byTag} (${said}): give the digest`)
}

export async function deleteImageBy(deps: Deps, anyAsk: Ask, name: string): Promise<void> {
  const ask = known(anyAsk)
  await audited(deps, ask, { action: 'image.delete', target: `image:${name}` }, async (tx) => {
    onlyAdmin(ask, 'image.change')
    if (!(await deleteImage(tx, name))) throw notFound('image')
  })
}

function wrongField(field: string, message: string, code: AppError['code'] = 'invalid_argument'): AppError {
  return new AppError(code, `${field}: ${message}`, { fields: [{ field, message }] })
}
