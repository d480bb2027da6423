/** Which keys a host shows, and which of them an administrator confirms. Nothing here confirms by itself. */
import { hostsWithJumps } from '../hosts/find-hosts.ts'
import type { ConfirmedKey } from '../hosts/host-rows.ts'
import type { PinnedKey } from '../job/host.ts'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { SshError } from '../ssh/errors.ts'
import { keysInKnownHosts } from '../ssh/known-hosts.ts'
import { scanKeys } from '../ssh/scan-keys.ts'
import type { Deps, KnownAsk } from './deps.ts'
import { createTargets, NoWay } from './ssh-places.ts'

export interface WhereItIs {
  name: string
  address: string
  port: number
  /** Name of the host that leads there. */
  jump: string | null
  connectTimeoutSeconds: number
}

/** Throws `unavailable` with the reason; takes a few seconds, so not in a transaction. */
export async function askForKeys({ db, sealer, config }: Deps, where: WhereItIs): Promise<PinnedKey[]> {
  const { name, address, port, connectTimeoutSeconds } = where
  const to = { name, address, port, connect_timeout_seconds: connectTimeoutSeconds }
  const options = { agent: config.sshAgent }
  try {
    if (where.jump === null) return await scanKeys(to, options)
    const rows = await hostsWithJumps(db, [where.jump])
    const jump = rows.find((row) => row.name === where.jump)
    if (jump === undefined) throw noJump(where.jump)
    if (jump.state !== 'ready')
      throw new NoWay(`host ${jump.name}, which leads there, is not ready: its state is ${jump.state}`)
    return await scanKeys({ ...to, jump: createTargets(rows, sealer)(jump) }, options)
  } catch (error) {
    if (error instanceof SshError || error instanceof NoWay) throw new AppError('unavailable', error.message)
    throw error
  }
}

export function noJump(name: string): AppError {
  const message = `there is no host ${name}`
  return new AppError('invalid_argument', `jump: ${message}`, { fields: [{ field: 'jump', message }] })
}

export interface Confirming {
  accept?: string[] | undefined
  known_hosts?: string | undefined
}

/** The keys that were meant. Throws when one of them is not shown, or the file has none. */
export function keysMeant(
  given: Confirming,
  shown: readonly PinnedKey[],
  where: Pick<WhereItIs, 'name' | 'address' | 'port'>,
): PinnedKey[] {
  const problems: FieldProblem[] = []
  const meant: PinnedKey[] = []
  const add = (key: PinnedKey): void => {
    if (!meant.some((one) => one.fingerprint === key.fingerprint))
      meant.push({ type: key.type, fingerprint: key.fingerprint })
  }
  const there = shown.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join(', ')
  given.accept?.forEach((fingerprint, i) => {
    const key = shown.find((one) => one.fingerprint === fingerprint)
    if (key !== undefined) add(key)
    else problems.push({ field: `accept[${i}]`, message: `is no key that the host shows; it shows ${there || 'none'}` })
  })
  if (given.known_hosts !== undefined) {
    const found = keysInKnownHosts(given.known_hosts, [where.address, where.name], where.port)
    found.forEach(add)
    const at = where.port === 22 ? where.address : `[${where.address}]:${where.port}`
    if (found.length === 0) problems.push({ field: 'known_hosts', message: `has no key of ${at} that can be used` })
  }
  if (problems.length === 0) return meant
  throw new AppError('invalid_argument', `${problems[0]!.field}: ${problems[0]!.message}`, { fields: problems })
}

/** One that was confirmed before keeps its date. */
export const confirmedBy = (
  keys: readonly PinnedKey[],
  { principal }: KnownAsk,
  before: readonly ConfirmedKey[] = [],
): ConfirmedKey[] =>
  keys.map(
    (key) =>
      before.find(({ fingerprint }) => fingerprint === key.fingerprint) ?? {
        ...key,
        confirmed_at: new Date().toISOString(),
        confirmed_by: principal.username,
      },
  )
