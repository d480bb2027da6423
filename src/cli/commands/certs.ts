import { InvalidArgumentError, Option, type Command } from 'commander'
import { certificateRoles, certificateStates, issuedRoles } from '../../api/contract/certificates.ts'
import { tellBackground } from '../background-line.ts'
import { init as makeAuthority, type InitWish } from '../certs-init.ts'
import { issueIntoFiles } from '../certs-issue.ts'
import { authorityLine, listing, list, type CertificateState } from '../certs-list.ts'
import { revokeByIdOrName } from '../certs-revoke.ts'
import { connect, withServer } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { inOptions } from '../option-words.ts'
import { notice, print, printJson } from '../render.ts'
import { parseNumber, parseWhole, parseWithin, plural, showAgo, showEnd } from '../units.ts'

export function define(command: Command): void {
  defineInit(command.command('init').summary('make the authority'))
  defineIssue(command.command('issue').argument('<name>', 'the account, or the runner').summary('issue a certificate'))
  defineRevoke(command.command('revoke').argument('<id|name>', 'from `certs ls`').summary('revoke certificates'))
  defineLs(command.command('ls').summary('list certificates'))
}

function defineInit(init: Command): void {
  init
    .description('make the authority that issues certificates; the servers open their gRPC port with it')
    .option('--name <text>', 'what it calls itself (default: Runyard)')
    .option('--years <n>', 'how long it holds (default: 10)', parseWithin(1, 30))
    .option('--rotate', 'a new one beside the old, which stays trusted until it ends; asks first')
    .option('--end-old', 'a new one, and the old ones with all their certificates end now: for a key that was stolen')
    .option('-y, --yes', 'without asking')
  init.action(async (wish: InitWish) => {
    const { json } = globalsOf(init)
    // It goes on: the gRPC port that the authority opens is that of a server that stays.
    const connection = await connect(init, { start: 'background', runner: false })
    try {
      const made = await makeAuthority(connection.client.calls, wish).catch(
        inOptions({ name: '--name', years: '--years', rotate: '--rotate', end_old: '--end-old' }),
      )
      if (made === undefined) {
        process.exitCode = exitCodes.failed
        notice('nothing was changed')
      } else if (json) printJson(made)
      else {
        print(`Made an authority, until ${made.ends_at.slice(0, 10)}; its key is in the database, sealed.`)
        if (wish.endOld) print(`Ended the ones before, with ${plural(made.certificates_ended, 'certificate')}.`)
        notice('next: runyard certs issue --role admin NAME, and for other machines: runyard runner token')
      }
      tellBackground(connection)
    } finally {
      await connection.close()
    }
  })
}

interface IssueOptions {
  role: (typeof issuedRoles)[number]
  out: string
  days?: number
}

function defineIssue(issue: Command): void {
  issue
    .description('issue a certificate; its key is made here and never leaves this machine')
    .addOption(new Option('--role <role>', 'what it is for').choices([...issuedRoles]).makeOptionMandatory())
    .option('--out <dir>', 'where NAME.crt, NAME.key and ca.crt go', '.')
    .option('--days <n>', 'how long it holds (default: 90)', days)
  issue.addHelpText(
    'after',
    '\nFor admin, operator and viewer it carries the rights of the account of that name, which is made if there is none.',
  )
  issue.action(async (name: string, options: IssueOptions) => {
    const issued = await withServer(issue, ({ client }) => issueIntoFiles(client.calls, { name, ...options })).catch(
      inOptions({ role: '--role', days: '--days' }),
    )
    const { certificate, files } = issued
    if (globalsOf(issue).json) return printJson(issued)
    print(
      `Issued ${certificate.name} (${certificate.role}), until ${showEnd(certificate.ends_at)}; its id is ${certificate.id}`,
    )
    print(`  ${files.certificate}`)
    print(`  ${files.key}  (keep it secret)`)
    print(`  ${files.authorities}${issued.authorities_extended ? '  (with the new authority)' : ''}`)
    if (issued.account_created) print(`The account ${certificate.name} was made; it has no password.`)
    const what = certificate.role === 'runner' ? 'runner' : 'ls'
    notice(`to use it: runyard ${what} --server HOST:50051 --cert ${files.certificate}`)
  })
}

function defineRevoke(revoke: Command): void {
  revoke
    .description('revoke a certificate by its id, or all of a name; it is refused at once, and open connections end')
    .option('--reason <text>', 'kept with it, and in the audit log')
    .option('-y, --yes', 'several at once without asking')
  revoke.action(async (given: string, options: { reason?: string; yes?: boolean }) => {
    const done = await withServer(revoke, ({ client }) => revokeByIdOrName(client.calls, given, options)).catch(
      inOptions({ reason: '--reason' }),
    )
    if (done === undefined) {
      process.exitCode = exitCodes.failed
      return globalsOf(revoke).json ? printJson([]) : notice('nothing was revoked')
    }
    const { revoked, others, before } = done
    if (globalsOf(revoke).json) return printJson(revoked)
    const [first] = revoked
    print(
      before === null
        ? `Revoked ${plural(revoked.length, 'certificate')} of ${first?.name}`
        : `Certificate ${first?.id} of ${first?.name} was revoked already, ${showAgo(before)}`,
    )
    if (others > 0)
      print(
        `${plural(others, 'other')} of that name still ${others === 1 ? 'holds' : 'hold'}: runyard certs revoke ${first?.name}`,
      )
  })
}

interface LsOptions {
  role?: (typeof certificateRoles)[number][]
  state?: CertificateState[]
  name?: string
  all?: boolean
  limit: number
}

function defineLs(ls: Command): void {
  ls.description('list certificates, newest first; those that can be used, unless told otherwise')
    .option('--role <roles>', `some of ${certificateRoles.join(', ')}`, someOf(certificateRoles))
    .option('--state <states>', `some of ${certificateStates.join(', ')}`, someOf(certificateStates))
    .option('--name <name>', 'of this account or runner')
    .option('--limit <n>', 'how many', parseWhole, 20)
    .option('--all', 'all of them, also those that ended, were revoked or used up')
  ls.action(async (options: LsOptions) => {
    const { found, authorities } = await withServer(ls, async ({ client: { calls } }) => ({
      found: await list(calls, options),
      authorities: (await calls.certificates.listAuthorities()).authorities,
    }))
    const { json, verbose } = globalsOf(ls)
    if (json) return printJson(found)
    if (found.length === 0) notice('no certificate matches')
    else process.stdout.write(listing(found))
    if (authorities.length > 0) notice(authorityLine(authorities), verbose)
    else process.stderr.write('runyard: there is no authority yet: runyard certs init\n')
  })
}

/** As the server has it. */
function days(text: string): number {
  const number = parseNumber(text)
  if (number >= 0.001 && number <= 825) return number
  throw new InvalidArgumentError('is not within 0.001 to 825')
}

const someOf =
  <T extends string>(words: readonly T[]) =>
  (text: string): T[] =>
    text.split(',').map((part) => {
      const found = words.find((word) => word === part.trim().replaceAll(' ', '_'))
      if (found === undefined) throw new InvalidArgumentError(`${part} is none of ${words.join(', ')}`)
      return found
    })
