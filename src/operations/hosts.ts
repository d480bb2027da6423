/** Hosts of the ssh executor: used by those to whom they are open, changed by administrators, credentials shown to nobody. */
import { may } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { findHost, hostsWithJumps, listHosts, lockHost } from '../hosts/find-hosts.ts'
import type { HostRow, HostState } from '../hosts/host-rows.ts'
import { deleteHost, insertHost, noteSeen, pinKeys, updateHost, type HostSettings } from '../hosts/host-store.ts'
import { hostLimits, hostName, type PinnedKey, type SshAuth } from '../job/host.ts'
import { labelList, type Labels } from '../job/labels.ts'
import { jobSpecSchema } from '../job/spec.ts'
import { AppError, isAppError } from '../lib/app-error.ts'
import { submit } from '../queue/submit.ts'
import { audited, noteRefused, type Act } from './audited.ts'
import { known, notFound, refusal, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { privateKeyProblem } from '../ssh/private-key.ts'
import { askForKeys, confirmedBy, keysMeant, noJump, type Confirming } from './host-keys.ts'
import { hostTest } from './host-test.ts'
import { newJob } from './new-job.ts'
import { onlyAdmin } from './people-changes.ts'
import { hostsOnRunners, seesConnection, showHost, type ShownHost } from './show-host.ts'
import { whyNotUsed } from './submit-hosts.ts'

export interface ListHostsInput {
  limit: number
  cursor?: string | undefined
  label?: string[] | undefined
  state?: HostState[] | undefined
  search?: string | undefined
}
export interface HostInput {
  description: string | null
  address: string
  port: number
  user: string
  auth: SshAuth
  jump: string | null
  labels: Labels
  connections: number
  keep_alive_seconds: number
  connect_timeout_seconds: number
  enabled: boolean
  open_to: HostRow['openTo']
}
export type CreateHostInput = HostInput & Confirming & { name: string }
export type ChangeHostInput = { name: string } & { [field in keyof HostInput]?: HostInput[field] | undefined }

function mayRead(anyAsk: Ask): KnownAsk {
  const ask = known(anyAsk)
  if (!may(ask.principal, 'host.read')) throw refusal(ask, 'host.read', 'you may not see hosts')
  return ask
}

const openTo = ({ principal }: KnownAsk) => (principal.role === 'operator' ? ('operators' as const) : undefined)

export async function listHostsFor(deps: Deps, anyAsk: Ask, input: ListHostsInput) {
  const ask = mayRead(anyAsk)
  const { limit, cursor, label: labels, state: states, search } = input
  const filter = { openTo: openTo(ask), labels, states, search, searchAddress: seesConnection(ask.principal) }
  const [rows, runners] = await Promise.all([
    listHosts(deps.db, filter, { after: cursor ?? null, limit: limit + 1 }),
    hostsOnRunners(deps.db),
  ])
  const shown = rows.slice(0, limit)
  const showing = { reader: ask.principal, config: deps.config, runners }
  return {
    hosts: shown.map((row) => showHost(row, showing)),
    next_cursor: rows.length > limit ? shown.at(-1)!.name : null,
    ssh: runners.ssh,
  }
}

export async function getHost(deps: Deps, anyAsk: Ask, name: string): Promise<ShownHost> {
  const ask = mayRead(anyAsk)
  const row = await findHost(deps.db, name)
  if (row === null || (row.openTo === 'admins' && openTo(ask) !== undefined)) throw notFound('host')
  return show(deps, ask, row)
}

const show = async (deps: Deps, ask: KnownAsk, row: HostRow): Promise<ShownHost> =>
  showHost(row, { reader: ask.principal, config: deps.config, runners: await hostsOnRunners(deps.db) })

const target = (name: string): string => `host:${name}`

/** Asking a host takes seconds and is no business of a transaction: who may not is refused before, and noted. */
async function asAdmin<T>(
  deps: Deps,
  anyAsk: Ask,
  act: Act,
  before: () => Promise<T>,
): Promise<{ ask: KnownAsk; found: T }> {
  const ask = known(anyAsk)
  try {
    onlyAdmin(ask, 'host.change')
    return { ask, found: await before() }
  } catch (error) {
    await noteRefused(deps, ask, act, error)
    throw error
  }
}

/** A key that nobody can use is found here, and not by the first job. */
function checkAuth(auth: SshAuth | undefined): void {
  if (auth?.method !== 'key') return
  const problem = privateKeyProblem(auth.private_key, auth.passphrase)
  if (problem !== null) throw wrongField('auth.private_key', problem)
}

export async function createHost(deps: Deps, anyAsk: Ask, input: CreateHostInput) {
  const act = { action: 'host.create', target: target(input.name) }
  const { ask, found } = await asAdmin(deps, anyAsk, act, () => {
    checkAuth(input.auth)
    return firstContact(deps, input)
  })
  const { shown, problem } = found
  const row = await audited(deps, ask, act, async (tx, note) => {
    const keys = keysMeant(input, shown, input)
    const settings = await settingsOf(tx, input.name, input)
    if (!(await insertHost(tx, deps.sealer, { ...settings, name: input.name, auth: input.auth }))) {
      throw wrongField('name', `is taken: there is a host ${input.name}`, 'conflict')
    }
    const { id } = (await findHost(tx, input.name))!
    if (shown.length > 0) await noteSeen(tx, id, shown)
    if (keys.length > 0) await pinKeys(tx, id, confirmedBy(keys, ask))
    note({
      ...{ address: input.address, port: input.port, user: input.user, auth: input.auth.method, jump: input.jump },
      ...{ open_to: input.open_to, confirmed: keys.map(({ fingerprint }) => fingerprint) },
    })
    return (await findHost(tx, input.name))!
  })
  return { ...(await show(deps, ask, row)), problem }
}

/** With a file of keys nobody is asked: the host may be one that only runners reach. */
async function firstContact(
  deps: Deps,
  input: CreateHostInput,
): Promise<{ shown: PinnedKey[]; problem: string | null }> {
  if (input.known_hosts !== undefined && input.accept === undefined) return { shown: [], problem: null }
  const where = { ...input, connectTimeoutSeconds: input.connect_timeout_seconds }
  try {
    return { shown: await askForKeys(deps, where), problem: null }
  } catch (error) {
    if (input.accept !== undefined || !isAppError(error) || error.code !== 'unavailable') throw error
    return { shown: [], problem: error.message }
  }
}

async function settingsOf(tx: Queryable, name: string, input: Omit<HostInput, 'auth'>): Promise<HostSettings> {
  return {
    ...{ description: input.description, address: input.address, port: input.port, user: input.user },
    jumpId: input.jump === null ? null : await jumpTo(tx, name, input.jump),
    labels: labelList(input.labels),
    ...{ connections: input.connections, keepAliveSeconds: input.keep_alive_seconds },
    connectTimeoutSeconds: input.connect_timeout_seconds,
    ...{ enabled: input.enabled, openTo: input.open_to },
  }
}

async function jumpTo(tx: Queryable, name: string, jump: string): Promise<string> {
  const rows = await hostsWithJumps(tx, [jump])
  const found = rows.find((row) => row.name === jump)
  if (found === undefined) throw noJump(jump)
  if (rows.some((row) => row.name === name)) throw wrongField('jump', `leads through ${name} itself`)
  if (rows.length > hostLimits.jumps) throw wrongField('jump', `is behind others: at most ${hostLimits.jumps} in all`)
  return found.id
}

export async function changeHost(deps: Deps, anyAsk: Ask, input: ChangeHostInput): Promise<ShownHost> {
  const ask = known(anyAsk)
  const { name, ...wished } = input
  const changed = await audited(deps, ask, { action: 'host.change', target: target(name) }, async (tx, note) => {
    onlyAdmin(ask, 'host.change')
    const row = await hostOf(tx, name)
    const changes = Object.entries(wished).filter(([, value]) => value !== undefined)
    if (changes.length === 0) throw new AppError('invalid_argument', 'nothing to change: give at least one field')
    const { auth, ...given } = wished
    checkAuth(auth)
    const settings = await settingsOf(tx, name, { ...asSettings(row), ...withoutMissing(given) })
    await updateHost(tx, deps.sealer, row.id, { ...settings, auth })
    const { enabled, address, port, open_to } = wished
    note({
      changed: changes.map(([field]) => field),
      ...(enabled !== undefined && { enabled }),
      ...(open_to !== undefined && { open_to }),
      ...(address !== undefined && { address }),
      ...(port !== undefined && { port }),
    })
    return (await findHost(tx, name))!
  })
  return show(deps, ask, changed)
}

type Settings = Omit<HostInput, 'auth'>
const withoutMissing = (given: { [field in keyof Settings]?: Settings[field] | undefined }) =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<Settings>

const asSettings = (row: HostRow): Settings => ({
  ...{ description: row.description, address: row.address, port: row.port, user: row.user, jump: row.jump },
  labels: Object.fromEntries(row.labels.map((label) => label.split(/=(.*)/s).slice(0, 2))) as Labels,
  ...{ connections: row.connections, keep_alive_seconds: row.keepAliveSeconds },
  connect_timeout_seconds: row.connectTimeoutSeconds,
  ...{ enabled: row.enabled, open_to: row.openTo },
})

export async function deleteHostBy(deps: Deps, anyAsk: Ask, name: string): Promise<void> {
  const ask = known(anyAsk)
  await audited(deps, ask, { action: 'host.delete', target: target(name) }, async (tx) => {
    onlyAdmin(ask, 'host.change')
    const { behind } = await deleteHost(tx, (await hostOf(tx, name)).id)
    if (behind !== null) throw new AppError('conflict', `it leads to host ${behind}: change or delete that first`)
  })
}

/** What it shows now; confirms nothing. */
export async function scanHost(deps: Deps, anyAsk: Ask, name: string) {
  const act = { action: 'host.scan', target: target(name) }
  const { ask, found: shown } = await asAdmin(deps, anyAsk, act, async () =>
    askForKeys(deps, await whereIs(deps.db, name)),
  )
  const row = await audited(deps, ask, act, async (tx, note) => {
    await noteSeen(tx, (await hostOf(tx, name)).id, shown)
    note({ seen: shown.map(({ fingerprint }) => fingerprint) })
    return (await findHost(tx, name))!
  })
  const confirmed = (key: PinnedKey): boolean => row.keys.some(({ fingerprint }) => fingerprint === key.fingerprint)
  return { keys: shown.map((key) => ({ ...key, confirmed: confirmed(key) })), host: await show(deps, ask, row) }
}

/** These keys and no others. What a runner met may be confirmed although the server does not reach the host. */
export async function confirmHost(deps: Deps, anyAsk: Ask, input: Confirming & { name: string }): Promise<ShownHost> {
  const { name } = input
  const act = { action: 'host.confirm', target: target(name) }
  const { ask, found: shown } = await asAdmin(deps, anyAsk, act, async () => {
    if (input.accept !== undefined) return nowOrByRunner(deps, name, input.accept)
    if (input.known_hosts !== undefined) return []
    throw wrongField('accept', 'is needed: fingerprints that you have compared, or known_hosts')
  })
  const confirmed = await audited(deps, ask, act, async (tx, note) => {
    const row = await hostOf(tx, name)
    const keys = keysMeant(input, shown, row)
    await pinKeys(tx, row.id, confirmedBy(keys, ask, row.keys))
    note({
      confirmed: keys.map(({ fingerprint }) => fingerprint),
      before: row.keys.map(({ fingerprint }) => fingerprint),
      alarm: row.alarmAt !== null,
    })
    return (await findHost(tx, name))!
  })
  return show(deps, ask, confirmed)
}

async function nowOrByRunner(deps: Deps, name: string, accept: readonly string[]): Promise<PinnedKey[]> {
  const where = await whereIs(deps.db, name)
  const met = where.alarmKey === null ? [] : [where.alarmKey]
  try {
    return [...(await askForKeys(deps, where)), ...met]
  } catch (error) {
    const metAll = accept.every((fingerprint) => met.some((key) => key.fingerprint === fingerprint))
    if (metAll && isAppError(error) && error.code === 'unavailable') return met
    throw error
  }
}

/** One ordinary job through the queue, in the asker's name. */
export async function testHost(deps: Deps, anyAsk: Ask, name: string): Promise<{ job_id: string }> {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'host.test', target: target(name) }, async (tx, note) => {
    onlyAdmin(ask, 'host.change')
    const { userId: ownerId } = ask.principal
    if (ownerId === null) throw new AppError('permission_denied', 'only a person may test a host')
    deps.closing.check()
    const row = await hostOf(tx, name)
    const why = whyNotUsed(row, 'admin')
    if (why !== null) throw new AppError('failed_precondition', `host ${name} ${why}`)
    const job = newJob(jobSpecSchema.parse(hostTest(name)), deps, ask)
    await submit(tx, { ownerId, jobs: [job] })
    await tx.query('update hosts set test_job = $2 where id = $1', [row.id, job.publicId])
    note({ job: job.publicId })
    return { job_id: job.publicId }
  })
}

async function hostOf(tx: Queryable, name: string): Promise<HostRow> {
  const row = hostName.safeParse(name).success ? await lockHost(tx, name) : null
  if (row === null) throw notFound('host')
  return row
}

async function whereIs(db: Queryable, name: string): Promise<HostRow> {
  const row = await findHost(db, name)
  if (row === null) throw notFound('host')
  return row
}

function wrongField(field: string, message: string, code: AppError['code'] = 'invalid_argument'): AppError {
  return new AppError(code, `${field}: ${message}`, { fields: [{ field, message }] })
}
