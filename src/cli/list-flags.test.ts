/** The options of every command are among those of a list: none of them may get into the question to the server. */
import { isContractProcedure } from '@orpc/contract'
import { expect, test, vi } from 'vitest'
import type * as z from 'zod'
import { contract } from '../api/contract/index.ts'
import { commands } from './commands.ts'
import { programFor } from './main.ts'

const asked = vi.hoisted(() => [] as { path: string; input: unknown }[])
const empty = {
  hosts: [],
  jobs: [],
  batches: [],
  entries: [],
  channels: [],
  deliveries: [],
  queues: [],
  runners: [],
  users: [],
}
const answer = {
  ...empty,
  tokens: [],
  templates: [],
  certificates: [],
  authorities: [],
  tests: [],
  pipelines: [],
  runs: [],
  tasks: [],
  counts: { total: 0 },
}

vi.mock(import('./connect.ts'), async (original) => {
  const calls = (path: string[]): unknown =>
    new Proxy(() => {}, {
      get: (_target, name: string) => calls([...path, name]),
      apply: async (_target, _this, [input]: unknown[]) => {
        asked.push({ path: path.join('.'), input })
        return { ...answer, next_cursor: null, ok: true, checked: 0, head: null, problems: [] }
      },
    })
  const exportAudit = async (input: unknown) => {
    const { format: _route, ...filter } = input as { format: string }
    asked.push({ path: 'audit.list', input: filter })
    return []
  }
  const client = { calls: calls([]), exportAudit }
  const withServer = (_command: unknown, use: (connection: unknown) => unknown) => use({ client, url: '' })
  return Object.assign({}, await original(), { withServer }) as never
})

const globals = ['--json', '-v', '--data-dir', '/nowhere', '--server', 'http://127.0.0.1:9', '--settings', '/nowhere']

test.each([
  ['ls', '--limit', '1'],
  ['batch', 'ls', '--limit', '1'],
  ['batch', 'tests', 'aaaaaaaaaaaa'],
  ['batch', 'status', 'aaaaaaaaaaaa'],
  ['batch', 'template', 'ls'],
  ['pipeline', 'ls', '--limit', '1'],
  ['pipeline', 'runs', 'release', '--limit', '1'],
  ['pipeline', 'tasks', 'aaaaaaaaaaaa'],
  ['queue', 'ls'],
  ['host', 'ls', '--label', 'role=web'],
  ['channel', 'ls'],
  ['channel', 'deliveries', '--limit', '1'],
  ['runner', 'ls'],
  ['user', 'ls'],
  ['token', 'ls'],
  ['certs', 'ls', '--limit', '1'],
  ['audit', 'ls', '--limit', '1', '--actor', 'anna'],
  ['audit', 'export', '--actor', 'anna'],
  ['audit', 'verify'],
])('%s %s', async (...words) => {
  asked.length = 0
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const program = await programFor(
    commands.find(({ name }) => name === words[0])!,
    () => true,
  )
  await program.parseAsync([...words, ...globals], { from: 'user' })
  vi.restoreAllMocks()
  expect(asked.length).toBeGreaterThan(0)
  for (const { path, input } of asked) {
    const procedure = path.split('.').reduce((at: unknown, name) => (at as Record<string, unknown>)[name], contract)
    const schema = isContractProcedure(procedure)
      ? (procedure['~orpc'].inputSchema as z.ZodType | undefined)
      : undefined
    if (schema === undefined) expect([path, input]).toEqual([path, undefined])
    else expect([path, schema.safeParse(input).error?.issues]).toEqual([path, undefined])
  }
})
