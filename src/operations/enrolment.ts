/** How a machine becomes a runner: an administrator's token, spent once for a certificate that is renewed from then on. */
import {
  anyName,
  defaultDays,
  issueCertificate,
  lockHolding,
  lockRunnerName,
  machineNamePattern,
  refuseNameOfLocalRunner,
  refuseNumber,
  revokeEnrolments,
  revokeRunners,
  runnerCertificates,
  spendEnrolment,
  trustedAuthorities,
} from '../access/certificates/index.ts'
import type { Queryable } from '../db/pool.ts'
import { AppError } from '../lib/app-error.ts'
import { encodeJoinToken } from '../x509/join-token.ts'
import { generateKeyPair } from '../x509/key-pair.ts'
import { createRequest } from '../x509/request.ts'
import { onlyAdministrators } from './certificates.ts'
import { audited } from './audited.ts'
import { known, type Ask, type Deps, type KnownAsk } from './deps.ts'

export interface RunnerTokenInput {
  /** The runner's; it may choose when there is none. */
  name?: string
  expires_in_seconds: number
  /** `host:port`; when there are none, those servers that are there now. */
  servers?: string[]
}

export async function createRunnerToken(deps: Deps, anyAsk: Ask, input: RunnerTokenInput) {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'runner_token.create' }, async (tx, note) => {
    onlyAdministrators(ask, 'runner.enrol')
    const name = input.name ?? anyName
    const seconds = input.expires_in_seconds
    note({ name, expires_in_seconds: seconds })
    // Without one no server has a gRPC port, and to name servers would not help.
    if ((await trustedAuthorities(tx)).length === 0)
      throw new AppError('failed_precondition', 'there is no authority yet: runyard certs init')
    const servers = input.servers ?? (await serversNow(deps))
    const ended = input.name === undefined ? 0 : await takeName(tx, input.name)
    const keys = await generateKeyPair()
    const enrolment = await issueCertificate(tx, deps.sealer, {
      ...{ request: await createRequest(keys, name), name, role: 'enrol', days: seconds / 86_400 },
      issuedBy: ask.principal.username,
    })
    note({ serial: enrolment.serial, servers, tokens_ended: ended }, `certificate:${enrolment.id}`)
    const token = encodeJoinToken({
      ...{ servers, name: input.name ?? null, privateKeyPem: keys.privateKeyPem },
      certificatePem: enrolment.certificatePem,
      authorityPem: enrolment.authoritiesPem,
    })
    return {
      ...{ id: enrolment.id, token, servers, tokens_ended: ended },
      expires_at: enrolment.notAfter.toISOString(),
    }
  })
}

/** One token for a name at a time: of two, the second machine would put the first out. Returns how many end now. */
async function takeName(tx: Queryable, name: string): Promise<number> {
  refuseNumber(name)
  await lockRunnerName(tx, name)
  await refuseNameOfLocalRunner(tx, name)
  return revokeEnrolments(tx, { name, reason: 'another token was made for that name' })
}

async function serversNow({ db }: Deps): Promise<string[]> {
  const { rows } = await db.query<{ address: string }>(
    `select address from servers where address is not null and last_seen_at > now() - interval '1 minute' order by name`,
  )
  if (rows.length > 0) return rows.map((row) => row.address)
  const message = 'no server says yet where runners reach it: try again in five seconds, or name them, as host:port'
  throw new AppError('failed_precondition', `servers: ${message}`, { fields: [{ field: 'servers', message }] })
}

export interface RunnerCertificate {
  name: string
  certificatePem: string
  authoritiesPem: string
  notAfter: Date
}

/** With the token's certificate; works once. `request` is PKCS #10, DER. */
export async function enrolRunner(
  deps: Deps,
  anyAsk: Ask,
  input: { name: string; request: Uint8Array },
): Promise<RunnerCertificate> {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'runner.enrol' }, async (tx, note) => {
    const certificateId = certificateOf(ask, 'enrol', 'a runner token')
    const given = ask.principal.username
    const name = nameFor(given, input.name)
    note({ name, enrolment: certificateId })
    await lockRunnerName(tx, name)
    await refuseNameOfLocalRunner(tx, name)
    if (given === anyName && (await runnerCertificates(tx, name)).holding > 0) {
      const message = `is the name of a runner that has a certificate: take another, or enrol with a token for this name`
      throw new AppError('conflict', `name ${message}`, { fields: [{ field: 'name', message }] })
    }
    if (!(await spendEnrolment(tx, certificateId))) {
      throw new AppError('unauthenticated', 'this runner token was used already or has ended: runyard runner token')
    }
    // Its token was made for this very name: the machine is set up anew, and what was there before is no more.
    const replaced = await revokeRunners(tx, { name, reason: 'its machine was enrolled anew' })
    const issued = await issueCertificate(tx, deps.sealer, {
      ...{ request: input.request, name, role: 'runner', days: defaultDays.runner, issuedBy: `token ${certificateId}` },
    })
    note({ serial: issued.serial, replaced }, `certificate:${issued.id}`)
    return shown(issued)
  })
}

/** Only a name that the token allows, in the form that a runner's name has. */
function nameFor(given: string, wished: string): string {
  const refused = (message: string): AppError =>
    new AppError('invalid_argument', `name ${message}`, { fields: [{ field: 'name', message }] })
  if (given !== anyName && wished !== '' && wished !== given) throw refused(`is not the token’s: it is for ${given}`)
  const name = given === anyName ? wished : given
  refuseNumber(name)
  if (machineNamePattern.test(name)) return name
  throw refused('has letters, digits and . _ - only, begins with a letter or digit, and at most 63 characters')
}

/** More than a runner with a wrong clock or a restart loop may make of them. */
const mostPerHour = 20

/** With a runner's certificate, while it holds: another for the same name and as long. `request` is PKCS #10, DER. */
export async function renewRunner(deps: Deps, anyAsk: Ask, input: { request: Uint8Array }): Promise<RunnerCertificate> {
  const ask = known(anyAsk)
  return audited(deps, ask, { action: 'certificate.renew' }, async (tx, note) => {
    const certificateId = certificateOf(ask, 'runner', 'a runner’s certificate')
    const name = ask.principal.username
    note({ name, before: certificateId })
    await lockRunnerName(tx, name)
    const before = await lockHolding(tx, certificateId)
    if (before === null) throw new AppError('unauthenticated', 'this certificate does not hold any more')
    if ((await runnerCertificates(tx, name)).lastHour >= mostPerHour) {
      const message = `runner ${name} had ${mostPerHour} certificates within an hour: is its clock right?`
      throw new AppError('resource_exhausted', message, { retryAfterSeconds: 3600 })
    }
    const issued = await issueCertificate(tx, deps.sealer, {
      ...{ request: input.request, name, role: 'runner', days: before.days, issuedBy: `certificate ${certificateId}` },
    })
    note({ serial: issued.serial }, `certificate:${issued.id}`)
    return shown(issued)
  })
}

function certificateOf(ask: KnownAsk, kind: 'enrol' | 'runner', what: string): string {
  const { principal } = ask
  if (principal.kind === kind && principal.certificateId !== undefined) return principal.certificateId
  throw new AppError('permission_denied', `this needs ${what}`)
}

const shown = ({ name, certificatePem, authoritiesPem, notAfter }: RunnerCertificate): RunnerCertificate => ({
  ...{ name, certificatePem, authoritiesPem, notAfter },
})
