/** Events on a real system: the seed's snippets as they stand, a chain with a large file, and where secrets must not be. */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { execFile } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EventRunDetail } from '../src/api/contract/index.ts'
import type { EventDefinitionInput } from '../src/job/event.ts'
import { noSandbox } from '../src/executors/testing/needs.ts'
import { testDatabase } from '../test/database.ts'
import { ended, logOf, startSystem, until, type System } from './system.ts'

/** By hand: RUNYARD_TEST_FILE_MIB=200. */
const fileMiB = Number(process.env['RUNYARD_TEST_FILE_MIB'] ?? 24)
const canary = `c4n4ry-${randomBytes(9).toString('base64url')}`

let database: Awaited<ReturnType<typeof testDatabase>>
let system: System
let port: number
const received: string[] = []
const server = createServer((req, res) => {
  const parts: Buffer[] = []
  req.on('data', (part: Buffer) => parts.push(part))
  req.on('end', () => {
    received.push(`${req.method} ${req.url} ${req.headers.authorization} ${Buffer.concat(parts).toString()}`)
    res.setHeader('content-type', 'application/json')
    res.end('{"answer": 42}')
  })
})

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  database = await testDatabase()
  const settings = { DATABASE_URL: database.url, RUNYARD_HTTP_ALLOW: `127.0.0.1:${port}`, RUNYARD_RUNNER_SLOTS: '3' }
  system = await startSystem(settings)
}, 90_000)
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await system?.stop()
  await database?.drop()
})

const calls = () => system.api.calls
const make = (name: string, definition: EventDefinitionInput) =>
  calls().events.create({ name, status: 'active', definition })
const settled = (id: string, ms = 60_000): Promise<EventRunDetail> =>
  until(
    `the end of run ${id}`,
    async () => {
      const run = (await calls().eventRuns.get({ id })) as EventRunDetail
      return run.settled_at !== null && run.actions.every(({ state }) => state !== 'due') && run
    },
    ms,
  )
async function run(event: string, input?: unknown, ms?: number): Promise<EventRunDetail> {
  const { id } = await calls().events.run({ event, ...(input === undefined ? {} : { input: input as never }) })
  return settled(id, ms)
}
const log = async (run: EventRunDetail): Promise<string> => (await logOf(system, run.job_id!)).toString()

/** As it stands in the seed, between its fences. */
async function seedSnippet(language: string): Promise<string> {
  const page = await readFile(join(import.meta.dirname, '../test/fixtures/cronium-snippets.md'), 'utf8')
  return new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)![1]!
}

test.skipIf(noSandbox)('the snippets of the seed run as they stand', async () => {
  await calls().variables.put({ scope: 'user', name: 'key', value: 'before' })
  const languages = { node: 'javascript', python: 'python', bash: 'bash' } as const
  for (const [kind, fence] of Object.entries(languages)) {
    const snippet = await seedSnippet(fence)
    // They speak of a result that the reader has; nothing else is added.
    const result = {
      node: 'globalThis.resultData = { a: 1 }\n',
      python: 'result_data = {"a": 1}\n',
      bash: 'result_data=\'{"a": 1}\'\n',
    }
    const script = `${result[kind as keyof typeof result]}${snippet}`
    await make(`seed ${kind}`, {
      kind: kind as 'node',
      script,
      actions: [{ name: 'told', on: 'ON_CONDITION', do: { set_variable: { name: `told_${kind}`, value: 'yes' } } }],
    })
    const done = await run(`seed ${kind}`, { from: 'before' })
    expect({ kind, state: done.state, log: await log(done) }).toMatchObject({ state: 'succeeded' })
    expect(done).toMatchObject({
      condition: true,
      output: { json: { a: 1 } },
      actions: [{ action: 'told', state: 'done' }],
    })
    expect((await calls().variables.get({ scope: 'user', name: 'key' })).value).toBe('value')
    await calls().variables.put({ scope: 'user', name: 'key', value: 'before' })
  }
})

test.skipIf(noSandbox)(`five events in a chain pass JSON on, and a file of ${fileMiB} MiB`, async () => {
  const bytes = fileMiB * 1024 * 1024
  const next = (event: string) => [{ name: 'next', do: { event: { event } } }]
  await make('chain 5', {
    kind: 'bash',
    script: 'source runyard.sh\nrunyard_input_file /tmp/got\nsha256sum /tmp/got | cut -d" " -f1\nstat -c %s /tmp/got\n',
    job: { limits: { disk_bytes: bytes * 2 + 2 ** 20, memory_bytes: bytes * 3 + 2 ** 28 } },
  })
  const script = `import hashlib, runyard\ndef pieces():\n  for i in range(${fileMiB}):\n    yield hashlib.sha256(str(i).encode()).digest() * 32768\nrunyard.output_stream(pieces(), 'application/x-thing')\n`
  await make('chain 4', { kind: 'python', script, actions: next('chain 5') })
  await make('chain 3', {
    kind: 'http',
    request: {
      method: 'POST',
      url: `http://127.0.0.1:${port}/three`,
      body_from_input: true,
      assert: ['json.answer == 42'],
    },
    actions: next('chain 4'),
  })
  await make('chain 2', {
    kind: 'node',
    script: 'const r = require("runyard"); r.input().then((i) => r.output({ ...i, two: i.one + 1 }))',
    actions: next('chain 3'),
  })
  await make('chain 1', {
    kind: 'bash',
    script: 'source runyard.sh\nrunyard_output "$(runyard_input | sed s/}/,\\"one\\":1}/)"\n',
    actions: next('chain 2'),
  })
  let at = await run('chain 1', { zero: 0 })
  const ids = [at.id]
  while (at.started[0] !== undefined) {
    at = await settled(at.started[0].id, 120_000)
    ids.push(at.id)
  }
  expect(at).toMatchObject({ event: { name: 'chain 5' }, state: 'succeeded', depth: 4 })
  expect(received).toContainEqual(expect.stringContaining('POST /three undefined {"zero":0,"one":1,"two":2}'))
  const expected = createHash('sha256')
  for (let i = 0; i < fileMiB; i++) {
    const piece = createHash('sha256').update(String(i)).digest()
    expected.update(Buffer.alloc(piece.length * 32_768, piece))
  }
  expect(await log(at)).toBe(`${expected.digest('hex')}\n${bytes}\n`)
  expect((await calls().eventRuns.get({ id: ids[3]! })).output).toMatchObject({ type: 'application/x-thing', bytes })
})

test.skipIf(noSandbox)('a webhook begins a run once; what is not signed begins nothing', async () => {
  await make('hooked', { kind: 'bash', script: 'cat /runyard/input' })
  const hook = await calls().webhooks.create({ event: 'hooked', name: 'in' })
  const body = '{"pushed": "é"}'
  const at = String(Math.floor(Date.now() / 1000))
  const key = Buffer.from(hook.secret.replace('whsec_', ''), 'base64')
  const signature = `v1,${createHmac('sha256', key).update(`msg_1.${at}.${body}`).digest('base64')}`
  const send = (headers: Record<string, string>) =>
    fetch(new URL(hook.url!, system.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
  const signed = { 'webhook-id': 'msg_1', 'webhook-timestamp': at, 'webhook-signature': signature }
  expect((await send({})).status).toBe(401)
  const taken = await send(signed)
  expect(taken.status).toBe(202)
  expect((await send(signed)).status).toBe(401)
  const { run_id: id } = (await taken.json()) as { run_id: string }
  expect(await log(await settled(id))).toBe(body)
  expect((await calls().eventRuns.list({ event: 'hooked' })).runs).toHaveLength(1)
})

test.skipIf(noSandbox)('a secret is found nowhere: database, files, processes, answers, logs', async () => {
  await calls().variables.put({ scope: 'user', name: 'API_KEY', secret: true, value: canary })
  const script = [
    'echo "plain $KEY"; printf %s "$KEY" | base64; printf %s "$KEY" | xxd -p 2>/dev/null || true',
    'printf \'{"k":"%s"}\' "$KEY"; echo; env | grep KEY',
    'source runyard.sh; runyard_output "{\\"leak\\": \\"$KEY\\"}"; runyard_progress 50 "at $KEY"',
    'sleep 1; echo "last words $KEY" >&2; exit 3',
  ].join('\n')
  await make('leaky', {
    kind: 'bash',
    secrets: { KEY: 'API_KEY' },
    script,
    actions: [
      {
        name: 'tell',
        on: 'failure',
        do: {
          webhook: {
            method: 'POST',
            url: `http://127.0.0.1:${port}/told`,
            body: '{{ outcome.message }} {{ output | json }}',
          },
        },
      },
    ],
  })
  await make('asks', {
    kind: 'http',
    secrets: { KEY: 'API_KEY' },
    request: { url: `http://127.0.0.1:${port}/asks`, auth: { type: 'bearer', token: '{{secrets.API_KEY}}' } },
  })
  const { id } = await calls().events.run({ event: 'leaky' })
  await until('its process', async () => ((await calls().eventRuns.get({ id })) as EventRunDetail).progress === 50)
  const { stdout: processes } = await promisify(execFile)('ps', ['-eww', '-o', 'args'], { maxBuffer: 16 * 1024 * 1024 })
  const done = await settled(id)
  const asked = await run('asks')
  expect(done.state).toBe('failed')
  expect(asked.state).toBe('succeeded')
  const told = await ended(system, done.actions[0]!.job_id!)
  expect(told).toMatchObject({ state: 'succeeded' })
  expect(received.filter((line) => line.startsWith('POST /told'))).toHaveLength(1)
  // It was really there.
  expect(received).toContainEqual(expect.stringContaining(`GET /asks Bearer ${canary}`))

  const places = new Map<string, string>([['ps', processes]])
  places.set(
    'answers',
    JSON.stringify([
      done,
      asked,
      await calls().events.list({}),
      await calls().variables.list({}),
      await calls().jobs.get({ id: done.job_id! }),
      await calls().audit.list({}),
    ]),
  )
  places.set('logs', `${await log(done)}${await log(asked)}`)
  places.set('told', received.filter((line) => line.includes('/told')).join())
  places.set(
    'metrics',
    await (await fetch(`${system.url}/metrics`, { headers: { authorization: `Bearer ${system.token}` } })).text(),
  )
  places.set('database', await dump())
  for (const path of await filesIn(system.dataDir))
    places.set(path, (await readFile(path).catch(() => Buffer.alloc(0))).toString('latin1'))
  expect(places.get('logs')).toContain('plain ***')
  expect(places.get('told')).toContain('/told')
  const forms = [
    canary,
    Buffer.from(canary).toString('hex'),
    ...[0, 1, 2].map((shift) =>
      Buffer.from('x'.repeat(shift) + canary)
        .toString('base64')
        .slice(shift === 0 ? 0 : 4, -4),
    ),
  ]
  const leaks = [...places].flatMap(([place, text]) =>
    forms.filter((form) => text.includes(form)).map((form) => `${place}: ${form}`),
  )
  expect(leaks).toEqual([])
})

async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

/** Every row of every table, as text. */
async function dump(): Promise<string> {
  const { rows } = await database.db.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  )
  const texts: string[] = []
  for (const { name } of rows)
    texts.push(JSON.stringify((await database.db.query(`select t::text from "${name}" t`)).rows))
  return texts.join('\n')
}
