/** `certs` and the files it makes, against a server that has only the calls. */
import { createPublicKey, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { removeScratch, scratchDir } from '../../test/scratch.ts'
import type { ApiCalls } from '../api/client.ts'
import type { Certificate } from '../api/contract/index.ts'
import { AppError } from '../lib/app-error.ts'
import { createAuthority, type Authority } from '../x509/authority.ts'
import { issue } from '../x509/issue.ts'
import { derOfPem } from '../x509/pem.ts'
import { issueIntoFiles } from './certs-issue.ts'
import { init } from './certs-init.ts'
import { authorityLine, ending, list, listing } from './certs-list.ts'
import { revokeByIdOrName } from './certs-revoke.ts'

let authority: Authority
let dir: string
beforeAll(async () => {
  authority = await createAuthority({ name: 'Runyard', years: 1 })
})
beforeEach(() => {
  dir = scratchDir('c')
})
afterEach(() => removeScratch(dir))

const certificate = (over: Partial<Certificate> = {}): Certificate => ({
  ...{ id: '7', name: 'anna', role: 'admin', state: 'valid', serial: '01', fingerprint: 'ab' },
  ...{ created_at: '2026-01-01T00:00:00Z', ends_at: '2026-04-01T00:00:00Z', issued_by: 'root' },
  ...{ last_used_at: null, revoked_at: null, revoke_reason: null },
  ...over,
})

interface IssueCall {
  name: string
  role: 'admin'
  request: string
}

/** A server as far as `certs` knows one. */
function fake(stored: Certificate[] = []) {
  const calls = {
    listAuthorities: vi.fn(async () => ({ authorities: [{ certificate_pem: authority.certificatePem }] })),
    issue: vi.fn(async ({ name, role, request }: IssueCall) => {
      const uri = 'runyard:certificate:x'
      const der = derOfPem('CERTIFICATE REQUEST', request, 'request')
      const made = await issue(authority, {
        request: der,
        name,
        role,
        uri,
        notAfter: new Date(Date.now() + 86_400_000),
      })
      return {
        certificate: certificate({ name, role }),
        certificate_pem: made.certificatePem,
        authorities_pem: authority.certificatePem,
        account_created: true,
      }
    }),
    revoke: vi.fn(async ({ id }: { id: string; reason?: string }) => {
      const found = stored.find((one) => one.id === id)
      if (!found) throw new AppError('not_found', 'there is no such certificate, or you may not see it')
      const revoked_before = found.state === 'revoked'
      if (!revoked_before) Object.assign(found, { state: 'revoked', revoked_at: '2026-02-01T00:00:00Z' })
      return { ...found, revoked_before }
    }),
    initAuthority: vi.fn(async (input: object) => ({
      ...input,
      ends_at: '2036-01-01T00:00:00Z',
      certificates_ended: 0,
    })),
    list: vi.fn(async ({ name, state, limit, cursor }: Record<string, string | number | undefined>) => {
      const states = typeof state === 'string' ? state.split(',') : undefined
      const all = stored.filter((one) => (name ?? one.name) === one.name && (states?.includes(one.state) ?? true))
      const at = Number(cursor ?? 0)
      const end = at + Math.min(Number(limit), 2)
      return { certificates: all.slice(at, end), next_cursor: end < all.length ? String(end) : null }
    }),
  }
  return { ...calls, api: { certificates: calls } as unknown as Pick<ApiCalls, 'certificates'> }
}

const mode = (name: string): number => statSync(join(dir, name)).mode & 0o777
const wish = (over: object = {}) => ({ name: 'anna', role: 'admin' as const, out: dir, ...over })

test('the key is made here and stays here; the files have their modes whatever the umask says', async () => {
  const { api, issue: asked } = fake()
  const before = process.umask(0o077)
  const { files, account_created } = await issueIntoFiles(api, wish({ days: 3 })).finally(() => process.umask(before))
  expect(account_created).toBe(true)
  expect(files).toEqual({
    certificate: join(dir, 'anna.crt'),
    key: join(dir, 'anna.key'),
    authorities: join(dir, 'ca.crt'),
  })
  expect([mode('anna.crt'), mode('anna.key'), mode('ca.crt')]).toEqual([0o644, 0o600, 0o644])
  const key = readFileSync(files.key, 'utf8')
  const made = new X509Certificate(readFileSync(files.certificate))
  expect(made.publicKey.equals(createPublicKey(key))).toBe(true)
  expect(made.verify(new X509Certificate(readFileSync(files.authorities)).publicKey)).toBe(true)
  const sent = JSON.stringify(asked.mock.calls)
  expect(sent).not.toContain('PRIVATE')
  expect(asked.mock.calls[0]![0]).toMatchObject({ name: 'anna', role: 'admin', days: 3 })
})

test('a second certificate beside the first shares its ca.crt, in a directory that is made for its owner', async () => {
  const { api } = fake()
  const out = join(dir, 'new', 'deep')
  await issueIntoFiles(api, wish({ out }))
  await issueIntoFiles(api, wish({ out, name: 'ben@example.com' }))
  expect(readdirSync(out).toSorted()).toEqual([
    'anna.crt',
    'anna.key',
    'ben@example.com.crt',
    'ben@example.com.key',
    'ca.crt',
  ])
  expect(statSync(out).mode & 0o777).toBe(0o700)
})

test.each(['anna.key', 'anna.crt', 'ca.crt'])('%s is never overwritten, and then nothing is issued', async (name) => {
  const { api, issue: asked } = fake()
  writeFileSync(join(dir, name), 'mine')
  const refused = { code: 'conflict', message: expect.stringContaining(name) }
  await expect(issueIntoFiles(api, wish())).rejects.toMatchObject(refused)
  expect(readdirSync(dir)).toEqual([name])
  expect(readFileSync(join(dir, name), 'utf8')).toBe('mine')
  expect(asked).not.toHaveBeenCalled()
})

test('a ca.crt from before a new authority gets that one too; nothing else in it is touched', async () => {
  const { api, listAuthorities, issue: asked } = fake()
  const next = (await createAuthority({ name: 'Next', years: 1 })).certificatePem
  const both = next + authority.certificatePem
  await issueIntoFiles(api, wish())
  listAuthorities.mockResolvedValue({
    authorities: [next, authority.certificatePem].map((pem) => ({ certificate_pem: pem })),
  })
  const made = asked.getMockImplementation()!
  asked.mockImplementation(async (input) => ({ ...(await made(input)), authorities_pem: both }))
  expect(await issueIntoFiles(api, wish({ name: 'ben' }))).toMatchObject({ authorities_extended: true })
  expect(readFileSync(join(dir, 'ca.crt'), 'utf8')).toBe(both)
  expect(mode('ca.crt')).toBe(0o644)
  expect(await issueIntoFiles(api, wish({ name: 'cleo' }))).toMatchObject({ authorities_extended: false })
  // One that is trusted here no more, e.g. because its key was stolen: whoever has the file must hear of it.
  listAuthorities.mockResolvedValue({ authorities: [{ certificate_pem: next }] })
  await expect(issueIntoFiles(api, wish({ name: 'dora' }))).rejects.toMatchObject({ code: 'conflict' })
  expect(readdirSync(dir).filter((name) => name.startsWith('dora') || name.startsWith('ca.'))).toEqual(['ca.crt'])
})

test('a further authority is asked about, the first is not', async () => {
  const { api, listAuthorities, initAuthority } = fake()
  await expect(init(api, { rotate: true })).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringMatching(/There will be 2 authorities.*--yes/),
  })
  expect(initAuthority).not.toHaveBeenCalled()
  await init(api, { rotate: true, yes: true })
  listAuthorities.mockResolvedValue({ authorities: [] })
  await init(api, { rotate: true })
  expect(initAuthority.mock.calls.map(([input]) => input)).toMatchObject([{ rotate: true }, { rotate: true }])
})

test('a certificate that cannot be written after all is revoked', async () => {
  const { api, issue: asked, revoke } = fake()
  const made = asked.getMockImplementation()!
  asked.mockImplementation((input) => {
    writeFileSync(join(dir, 'anna.crt'), 'mine')
    return made(input)
  })
  await expect(issueIntoFiles(api, wish())).rejects.toMatchObject({ code: 'conflict' })
  expect(revoke.mock.calls.map(([input]) => input.id)).toEqual(['7'])
  expect(readdirSync(dir)).toEqual(['anna.crt'])
})

test('what the server refuses leaves no key', async () => {
  const { api, issue: asked } = fake()
  asked.mockRejectedValue(new AppError('conflict', 'the account anna is operator'))
  await expect(issueIntoFiles(api, wish())).rejects.toMatchObject({ code: 'conflict' })
  expect(readdirSync(dir)).toEqual([])
})

test('without an authority, with a bad name or an unusable directory nothing is asked for', async () => {
  const { api, issue: asked, listAuthorities } = fake()
  for (const name of ['../anna', 'a/b', '', '.', 'a\0', '7', 'a'.repeat(65)]) {
    await expect(issueIntoFiles(api, wish({ name })), name).rejects.toMatchObject({ code: 'invalid_argument' })
  }
  writeFileSync(join(dir, 'file'), '')
  await expect(issueIntoFiles(api, wish({ out: join(dir, 'file') }))).rejects.toThrow(/file/)
  listAuthorities.mockResolvedValue({ authorities: [] })
  await expect(issueIntoFiles(api, wish())).rejects.toMatchObject({
    code: 'failed_precondition',
    message: /certs init/,
  })
  expect(asked).not.toHaveBeenCalled()
})

test('a name is revoked as a whole, also what appears meanwhile; several are asked about', async () => {
  const stored = ['1', '2', '3'].map((id) => certificate({ id, name: id === '3' ? 'ben' : 'anna' }))
  const { api, revoke } = fake(stored)
  // Without a terminal there is nobody to ask.
  await expect(revokeByIdOrName(api, 'anna', {})).rejects.toMatchObject({
    code: 'invalid_argument',
    message: '2 certificates of anna would end: add --yes, or name one by its id',
  })
  expect(revoke).not.toHaveBeenCalled()
  revoke.mockImplementationOnce(async ({ id }) => {
    stored.push(certificate({ id: '4' }))
    const found = stored.find((one) => one.id === id)!
    found.state = 'revoked'
    return { ...found, revoked_before: false }
  })
  const done = await revokeByIdOrName(api, 'anna', { yes: true, reason: 'left' })
  expect(done!.revoked.map((one) => one.id)).toEqual(['1', '2', '4'])
  expect(revoke.mock.calls.every(([input]) => input.reason === 'left')).toBe(true)
  expect(stored.find((one) => one.name === 'ben')!.state).toBe('valid')
  expect((await revokeByIdOrName(api, 'ben', {}))!.revoked.length).toBe(1)
  await expect(revokeByIdOrName(api, 'ben', {})).rejects.toMatchObject({ code: 'not_found' })
})

test('an id is revoked alone and the others of its name are counted; a number is always an id', async () => {
  const stored = [certificate({ id: '1' }), certificate({ id: '2' }), certificate({ id: '3', name: '42' })]
  const { api } = fake(stored)
  expect(await revokeByIdOrName(api, '1', {})).toMatchObject({ revoked: [{ id: '1' }], others: 1, before: null })
  expect(await revokeByIdOrName(api, '1', {})).toMatchObject({ others: 1, before: '2026-02-01T00:00:00Z' })
  for (const none of ['42', '4'.repeat(30)]) {
    const refused = { code: 'not_found', message: expect.stringContaining(`no certificate has the id ${none}`) }
    await expect(revokeByIdOrName(api, none, { yes: true })).rejects.toMatchObject(refused)
  }
  expect(stored[2]!.state).toBe('valid')
})

test('the list has those that can be used, or all, in as many pages as it takes', async () => {
  const states = ['valid', 'ends_soon', 'suspended', 'ended', 'revoked', 'spent', 'valid'] as const
  const { api } = fake(states.map((state, i) => certificate({ id: String(i), state })))
  const ids = async (over: object): Promise<string[]> => (await list(api, { limit: 20, ...over })).map((one) => one.id)
  expect(await ids({})).toEqual(['0', '1', '2', '6'])
  expect(await ids({ all: true })).toEqual(['0', '1', '2', '3', '4', '5', '6'])
  expect(await ids({ state: ['revoked'] })).toEqual(['4'])
  expect(await ids({ limit: 3 })).toEqual(['0', '1', '2'])
})

test('the table', () => {
  const rows = [
    certificate({ state: 'ends_soon' }),
    certificate({ id: '8', name: '*', role: 'enrol', issued_by: 'a\u001b[2J' }),
  ]
  expect(listing(rows, 200)).toBe(
    [
      'ID  NAME   ROLE   STATE      ENDS        LAST USED  ISSUED BY',
      '7   anna   admin  ends soon  2026-04-01  never      root',
      '8   (any)  enrol  valid      2026-04-01  never      a',
      '',
    ].join('\n'),
  )
  const [one, two] = ['1', '2'].map((id) => ({ id, ends_at: `203${id}-01-01T00:00:00Z` }))
  expect(authorityLine([one!])).toBe('the authority ends on 2031-01-01')
  expect(authorityLine([two!, one!])).toBe('2 authorities are trusted: 2 until 2032-01-01, 1 until 2031-01-01')
  const now = Date.parse('2026-01-01T00:00:00Z')
  expect(ending('2026-01-01T01:05:00Z', now)).toBe('in 1h 5m')
  expect(ending('2026-01-04T00:00:00Z', now)).toBe('2026-01-04')
  expect(ending('2025-12-31T00:00:00Z', now)).toBe('2025-12-31')
})
