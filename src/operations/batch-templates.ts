/** Batches stored under a name, each of one owner, for everybody when it is shared. */
import { may, scopeOf } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import type { BatchDocument } from '../job/batch-document.ts'
import { secretPlaces } from '../job/batch-template.ts'
import { AppError } from '../lib/app-error.ts'
import { audited } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'

export interface TemplateView {
  name: string
  description: string | null
  owner: string
  shared: boolean
  body: BatchDocument
  created_at: string
  updated_at: string
}

export interface PutTemplateInput {
  name: string
  /** Somebody else's, for administrators. */
  owner?: string | undefined
  description: string | null
  shared: boolean
  body: BatchDocument
}
export interface TemplateKey {
  name: string
  owner?: string | undefined
}

interface Row extends Omit<TemplateView, 'created_at' | 'updated_at'> {
  ownerId: string
  createdAt: Date
  updatedAt: Date
}

const select = `select t.name, t.description, u.username as owner, t.owner_id as "ownerId", t.shared, t.body,
  t.created_at as "createdAt", t.updated_at as "updatedAt" from batch_templates t join users u on u.id = t.owner_id`

/** A list shows them whole: so much of so many is what one answer can carry. */
const most = { bytes: 256 * 1024, each: 100 }

export async function putTemplate(deps: Deps, anyAsk: Ask, input: PutTemplateInput): Promise<TemplateView> {
  const ask = known(anyAsk)
  const owner = input.owner ?? ask.principal.username
  const act = { action: 'template.put', target: `template:${owner}/${input.name}` }
  return audited(deps, ask, act, async (tx, note) => {
    if (!may(ask.principal, 'template.change')) {
      throw refusal(ask, 'template.change', 'your role may use templates, not change them')
    }
    const ownerId = await ownerOf(tx, ask, input.owner)
    if (!may(ask.principal, 'template.change', { ownerId })) {
      throw new AppError('permission_denied', `only ${owner} and administrators change this template`)
    }
    checkBody(input.body)
    note({ shared: input.shared, jobs: input.body.jobs?.length ?? 0, matrix: Object.keys(input.body.matrix ?? {}) })
    const { rowCount } = await tx.query(
      `insert into batch_templates (owner_id, name, description, shared, body)
       select $1, $2, $3, $4, $5
       where exists (select from batch_templates where owner_id = $1 and name = $2)
         or (select count(*) from batch_templates where owner_id = $1) < ${most.each}
       on conflict (owner_id, name) do update
       set description = excluded.description, shared = excluded.shared, body = excluded.body, updated_at = now()`,
      [ownerId, input.name, input.description, input.shared, JSON.stringify(input.body)],
    )
    if (rowCount === 0) {
      throw new AppError('resource_exhausted', `${owner} has ${most.each} templates, the most there may be: delete one`)
    }
    const [row] = await rowsOf(tx, `where t.owner_id = $1 and t.name = $2`, [ownerId, input.name])
    return show(row!)
  })
}

function checkBody(body: BatchDocument): void {
  const message = 'would be readable by all who may use the template: give secrets when it is used'
  const fields = secretPlaces(body).map((place) => ({ field: `body.${place}`, message }))
  const bytes = Buffer.byteLength(JSON.stringify(body))
  if (bytes > most.bytes) {
    fields.push({ field: 'body', message: `is ${bytes} bytes as JSON; a template has at most ${most.bytes}` })
  }
  if (fields.length === 0) return
  throw new AppError('invalid_argument', `${fields[0]!.field}: ${fields[0]!.message}`, { fields })
}

/** Also when nobody of that name is there: `owner` is no way to learn of accounts. */
async function ownerOf(tx: Queryable, ask: KnownAsk, owner: string | undefined): Promise<string> {
  if (owner === undefined) {
    if (ask.principal.userId === null) throw new AppError('permission_denied', 'only people have templates')
    return ask.principal.userId
  }
  const { rows } = await tx.query<{ id: string }>('select id from users where lower(username) = lower($1)', [owner])
  const found = rows[0]
  if (found !== undefined && may(ask.principal, 'template.read', { ownerId: found.id })) return found.id
  throw notFound('user')
}

export async function listTemplates(deps: Deps, anyAsk: Ask, { shared }: { shared?: boolean | undefined }) {
  const ask = known(anyAsk)
  if (!may(ask.principal, 'template.read')) throw refusal(ask, 'template.read', 'you may not see templates')
  const mine = scopeOf(ask.principal, 'template.read') === 'all' ? null : ask.principal.userId
  const rows = await rowsOf(
    deps.db,
    `where ($1::bigint is null or t.owner_id = $1 or t.shared) and ($2::boolean is null or t.shared = $2)`,
    [mine, shared ?? null],
  )
  return rows.map(show)
}

export async function getTemplate(deps: Deps, anyAsk: Ask, key: TemplateKey): Promise<TemplateView> {
  return show(await templateOf(deps.db, known(anyAsk), key))
}

export async function deleteTemplate(deps: Deps, anyAsk: Ask, key: TemplateKey): Promise<void> {
  const ask = known(anyAsk)
  const act = { action: 'template.delete', target: `template:${key.owner ?? ask.principal.username}/${key.name}` }
  await audited(deps, ask, act, async (tx) => {
    const { ownerId, owner } = await templateOf(tx, ask, key)
    if (!may(ask.principal, 'template.change', { ownerId })) {
      throw new AppError('permission_denied', `only ${owner} and administrators delete this template`)
    }
    await tx.query('delete from batch_templates where owner_id = $1 and name = $2', [ownerId, key.name])
  })
}

async function templateOf(db: Queryable, ask: KnownAsk, { name, owner }: TemplateKey): Promise<Row> {
  const rows = await rowsOf(db, 'where t.name = $1 and lower(u.username) = lower($2)', [
    name,
    owner ?? ask.principal.username,
  ])
  const found = rows.find((row) => mayUse(ask, row))
  if (found === undefined) throw notFound('template')
  return found
}

/** For a submit: `name` is one's own, else the only one that is shared; `owner/name` is exactly that. */
export async function findTemplate(
  deps: Deps,
  ask: KnownAsk,
  reference: string,
): Promise<{ body: BatchDocument; title: string }> {
  const slash = reference.indexOf('/')
  const name = reference.slice(slash + 1)
  const rows = await rowsOf(deps.db, 'where t.name = $1 and ($2::text is null or lower(u.username) = lower($2))', [
    name,
    slash < 0 ? null : reference.slice(0, slash),
  ])
  const own = rows.filter(({ ownerId }) => ownerId === ask.principal.userId)
  // An administrator may read everybody's, but means a shared one unless the owner is named.
  const others = rows.filter((row) => (slash < 0 ? row.shared : mayUse(ask, row)))
  const candidates = own.length > 0 ? own : others
  const [found] = candidates
  if (found === undefined) {
    const message = `there is no template ${name} of yours, and none that is shared`
    throw new AppError('not_found', message, { fields: [{ field: 'template', message }] })
  }
  if (candidates.length > 1) {
    const message = `is shared by several: say ${candidates.map(({ owner }) => `${owner}/${name}`).join(' or ')}`
    throw new AppError('invalid_argument', `template ${name} ${message}`, { fields: [{ field: 'template', message }] })
  }
  return { body: found.body, title: own.length > 0 ? name : `${found.owner}/${name}` }
}

const mayUse = ({ principal }: KnownAsk, { ownerId, shared }: Row): boolean =>
  may(principal, 'template.read', shared ? undefined : { ownerId })

async function rowsOf(db: Queryable, where: string, values: unknown[]): Promise<Row[]> {
  const { rows } = await db.query<Row>(`${select} ${where} order by t.name, u.username`, values)
  return rows
}

const show = ({ name, description, owner, shared, body, createdAt, updatedAt }: Row): TemplateView => ({
  ...{ name, description, owner, shared, body },
  created_at: createdAt.toISOString(),
  updated_at: updatedAt.toISOString(),
})
