/**
 * Messages on a real system, against receivers of ours: of events and of scripts; and the page of channels in a real
 * browser: made, tested, sent again and deleted.
 */
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventRunDetail } from '../src/api/contract/index.ts'
import { smtp } from '../src/executors/testing/messages.ts'
import { noSandbox } from '../src/executors/testing/needs.ts'
import type { EventDefinitionInput } from '../src/job/event.ts'
import { testDatabase } from '../test/database.ts'
import { seriousFindings } from './axe.ts'
import { findChromium, launchBrowser, watchedPage } from './browser.ts'
import { logOf, startSystem, until, type System } from './system.ts'

const chromium = findChromium()
const built = existsSync(fileURLToPath(new URL('../web/dist/index.html', import.meta.url)))
const missing =
  chromium === null ? 'no chromium on this machine' : built ? null : 'web/dist is not built: npm run prepare'
if (missing) console.warn(`skipped: the page of channels, ${missing}`)

/** What came to a path, newest last; `answers` are given one after the other, then always 200. */
interface Heard {
  ids: unknown[]
  bodies: string[]
  answers: number[]
}
const heard = new Map<string, Heard>()
const at = (path: string): Heard => {
  const one = heard.get(path) ?? { ids: [], bodies: [], answers: [] }
  heard.set(path, one)
  return one
}
const receiver = createServer((req, res) => {
  const one = at(req.url!)
  let body = ''
  req.on('data', (part) => (body += part))
  req.on('end', () => {
    one.ids.push(req.headers['webhook-id'])
    one.bodies.push(body)
    const status = one.answers.shift() ?? 200
    res.writeHead(status).end(status === 410 ? 'no such hook' : 'thanks')
  })
})
const address = (path: string): string => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${path}`

let database: Awaited<ReturnType<typeof testDatabase>>
let system: System
beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  database = await testDatabase()
  system = await startSystem({ DATABASE_URL: database.url })
}, 90_000)
afterAll(async () => {
  await system?.stop()
  await database?.drop()
  receiver.closeAllConnections()
  receiver.close()
})

const settled = (id: string): Promise<EventRunDetail> =>
  until(
    `the end of run ${id}`,
    async () => {
      const run = (await system.api.calls.eventRuns.get({ id })) as EventRunDetail
      return run.settled_at !== null && run.actions.every(({ state }) => state !== 'due') && run
    },
    60_000,
  )

describe.skipIf(missing !== null)('channels', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser(chromium!)
  })
  afterAll(() => browser?.close())

  test('made, refused, sent again with the same id, told by a batch, deleted', async () => {
    const { page, faults, foreign } = await watchedPage(browser, system.url)
    page.setDefaultTimeout(30_000)
    await page.goto('/channels')
    await page.getByLabel('Username').fill('admin')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'There is no channel yet' }).waitFor()
    expect(await seriousFindings(page)).toEqual([])

    await page.getByRole('button', { name: 'New channel' }).click()
    await page.getByLabel('Name').fill('Team CI')
    await page.getByLabel('Kind').selectOption('webhook')
    await page.getByRole('button', { name: 'Add quiet hours' }).click()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('a channel name has lower-case letters').waitFor()
    await page.getByText('must be an http or https address').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.getByLabel('Name').fill('team-ci')
    await page.getByLabel('Address').fill(address('/s3cr3t-path'))
    await page.getByRole('button', { name: 'Remove quiet hours 1' }).click()
    await page.getByRole('button', { name: 'Save' }).click()
    const { ids, answers } = at('/s3cr3t-path')
    answers.push(410)
    await page.getByText(/^whsec_/).waitFor()
    await page.getByRole('button', { name: 'I have it' }).click()

    await page.getByRole('button', { name: 'Test team-ci' }).click()
    await page.getByText('refused for good: 410 Gone: no such hook').waitFor()
    await page.getByRole('button', { name: 'Done' }).click()
    await page
      .getByRole('row', { name: /^team-ci/ })
      .getByText('Failed')
      .waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('tab', { name: 'Deliveries' }).click()
    await page.getByLabel('What became of them').selectOption('dead')
    await page.waitForURL('**/channels?view=deliveries&outcome=dead')
    await page.getByText('no such hook').waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Send again: Test of channel team-ci' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Send again' }).click()
    await page.getByRole('heading', { name: 'No message fits' }).waitFor() // it is dead no more
    await page.getByLabel('What became of them').selectOption('sent')
    await page.getByText('sent: 200 OK: thanks').waitFor()
    expect(ids).toHaveLength(2)
    expect(ids[0]).toBe(ids[1])

    const jobs = [{ command: ['true'] }]
    await system.api.calls.batches.create({ name: 'nightly', jobs, notify: [{ channel: 'team-ci' }] })
    await page.getByRole('link', { name: 'Batch nightly passed: its job' }).waitFor()

    await page.getByRole('tab', { name: 'Channels' }).click()
    await page.getByRole('button', { name: 'Delete team-ci' }).click()
    await page.getByRole('button', { name: 'Delete channel' }).click()
    await page.getByRole('heading', { name: 'There is no channel yet' }).waitFor()
    expect(await page.content()).not.toContain('s3cr3t')
    expect(faults).toEqual([])
    expect(foreign).toEqual([])
    await page.context().close()
  })
})

test.skipIf(noSandbox)(
  'messages of events, actions and scripts reach Slack, Discord, a webhook and a mail server',
  async () => {
    const { port, mails } = await smtp({ authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'] })
    const { calls } = system.api
    const mail = { smtp_url: `smtp://127.0.0.1:${port}`, from: 'runyard@example.com', to: ['ops@example.com'] }
    await calls.channels.put({ name: 'chat', settings: { kind: 'slack', url: address('/slack') } })
    await calls.channels.put({ name: 'talk', settings: { kind: 'discord', url: address('/discord') } })
    await calls.channels.put({ name: 'hook', settings: { kind: 'webhook', url: address('/hook') } })
    await calls.channels.put({ name: 'mail', settings: { kind: 'email', ...mail } })
    const stored = { subject: '{{ event.name }} {{ outcome.state }}', text: '{{ output.files }} <files>' }
    await calls.messageTemplates.put({ name: 'ended', input: stored })

    const make = (name: string, definition: EventDefinitionInput) =>
      calls.events.create({ name, status: 'active', definition })
    const hello = { channel: 'chat', input: { text: 'hello {{ input.who }}' } }
    await make('greeting', { kind: 'message', message: hello })
    const script = `source cronium.sh
cronium_sendDiscordMessage talk 'from a script: {{ output }}'
cronium_output '{"files": 7}'`
    const rows = { channel: 'hook', action: 'post', input: { body: { rows: '{{ output }}' } } }
    await make('backup', {
      kind: 'bash',
      script,
      actions: [
        { name: 'mail', do: { message: { channel: 'mail', template: 'ended', input: {} } } },
        { name: 'post', do: { message: rows } },
      ],
    })
    // The first receiver of a message is away twice, the other refuses for good.
    at('/slack').answers = [503, 503]
    at('/hook').answers = [410]
    const begun = await calls.events.run({ event: 'greeting', input: { who: '<!channel>' } })
    const backup = await settled((await calls.events.run({ event: 'backup' })).id)
    expect(backup).toMatchObject({ state: 'succeeded', actions: [{ state: 'done' }, { state: 'done' }] })
    await until('the mail', async () => mails.length === 1)
    expect(mails[0]).toMatch(/^Subject: backup succeeded\r$/m)
    expect(mails[0]).toContain('7 <files>')
    await until('the message of the script', async () => at('/discord').bodies.length === 1)
    // What a script says is no template.
    expect(JSON.parse(at('/discord').bodies[0]!)).toMatchObject({ content: 'from a script: {{ output }}' })

    for (const tries of [1, 2]) {
      await until(`try ${tries}`, async () => {
        const [row] = (
          await database.db.query('select state, attempts_spent as n from jobs where public_id = $1', [begun.job_id])
        ).rows
        return row?.['state'] === 'scheduled' && row['n'] === tries
      })
      // Not half a minute later.
      await database.db.query('update jobs set not_before = now() where public_id = $1', [begun.job_id])
    }
    expect(await settled(begun.id)).toMatchObject({ state: 'succeeded', attempts: 3 })
    expect(at('/slack').bodies).toHaveLength(3)
    expect(JSON.parse(at('/slack').bodies[2]!)).toEqual({ text: 'hello &lt;!channel&gt;' })

    const dead = async () => {
      const { stdout } = await system.cli(['channel', 'deliveries', '--dead', '--json'])
      return JSON.parse(stdout) as { id: string; channel: string; result: string }[]
    }
    const [refused] = await until('the refused message', async () => (await dead()).length > 0 && dead())
    expect(refused).toMatchObject({ channel: 'hook', result: expect.stringContaining('410 Gone: no such hook') })
    expect((await system.cli(['channel', 'redeliver', refused!.id])).code).toBe(0)
    await until('the webhook', async () => at('/hook').bodies.length === 2)
    expect(at('/hook').bodies).toEqual(Array(2).fill('{"rows":{"files":7}}'))
    expect(at('/hook').ids).toEqual(Array(2).fill(refused!.id))
    await until('no dead delivery', async () => (await dead()).length === 0)
  },
)

test.skipIf(noSandbox)(
  'an event, and an action of it, start pipelines that succeed; their end starts another event',
  async () => {
    const { calls } = system.api
    await calls.pipelines.put({
      name: 'release',
      source: `pipelines:
  release:
    tasks:
      build: { script: ['echo "built {{ .version }}"'] }
      ship: { script: ['echo shipped'], depends_on: [build] }
`,
    } as never)
    const make = (name: string, definition: EventDefinitionInput) =>
      calls.events.create({ name, status: 'active', definition })
    await make('told', { kind: 'bash', script: 'cat /runyard/input', after: [{ pipeline: 'release' }] })
    await make('by event', { kind: 'pipeline', pipeline: { name: 'release', variables: { version: 'one' } } })
    const action = { pipeline: { name: 'release', variables: { version: '{{ output.version }}' } } }
    const output = `source runyard.sh; runyard_output '{"version": "two"}'`
    await make('by action', { kind: 'bash', script: output, actions: [{ name: 'release', do: action }] })
    const first = await settled((await calls.events.run({ event: 'by event' })).id)
    expect(first).toMatchObject({ state: 'succeeded', job_id: null, pipeline_run_id: expect.any(String) })
    const second = await settled((await calls.events.run({ event: 'by action' })).id)
    const { runs } = await until('two runs of told', async () => {
      const found = await calls.eventRuns.list({ event: 'told' })
      return found.runs.length === 2 && found.runs.every(({ settled_at: at }) => at !== null) && found
    })
    for (const run of runs) expect(run).toMatchObject({ state: 'succeeded', trigger: 'pipeline' })
    const pipelineRuns = [first.pipeline_run_id!, second.actions[0]!.pipeline_run_id!]
    const started = await Promise.all(pipelineRuns.map((id) => calls.pipelineRuns.get({ id })))
    expect(started.map(({ status, variables }) => [status, variables])).toEqual([
      ['succeeded', { version: 'one' }],
      ['succeeded', { version: 'two' }],
    ])
    const inputs = await Promise.all(
      runs.map(async ({ job_id: id }) => JSON.parse((await logOf(system, id!)).toString())),
    )
    expect(inputs.map(({ run }) => String(run)).toSorted()).toEqual(pipelineRuns.toSorted())
  },
)
