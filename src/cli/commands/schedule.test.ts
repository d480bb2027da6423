/** Every subcommand of `schedule` and `webhook`, in this process, against a server. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runningServer, type TestServer } from '../../../test/running-server.ts'
import { until } from '../../../test/until.ts'
import { definitionOf, storePipeline } from '../../pipelines/testing/definitions.ts'
import { commands } from '../commands.ts'
import { programFor } from '../main.ts'

let server: TestServer
beforeAll(async () => {
  server = await runningServer()
  await storePipeline(server.db, 'nightly', definitionOf())
  vi.stubEnv('RUNYARD_TOKEN', server.localToken)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await server.close()
})

const schedule = (...words: string[]) => cli('schedule', ...words)
const webhook = (...words: string[]) => cli('webhook', ...words)
async function cli(command: string, ...words: string[]): Promise<string> {
  let printed = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text)
    return true
  })
  try {
    const entry = commands.find(({ name }) => name === command)
    const program = await programFor(entry, () => true)
    await program.parseAsync([command, ...words, '--server', server.url], { from: 'user' })
    return printed
  } finally {
    write.mockRestore()
  }
}

test('a schedule from add to rm', async () => {
  expect(JSON.parse(await schedule('ls', '--json'))).toEqual([])
  const cron = ['--cron', '30 2 * * *', '--zone', 'America/New_York']
  const policy = ['--misfire', 'run_all', '--catch-up', '2h', '--catch-up-limit', '5']
  const id = (await schedule('add', 'nightly', ...cron, ...policy, '--late', '5m', '--set', 'who=me')).trim()
  expect(await schedule('ls', '--pipeline', 'nightly')).toMatch(
    new RegExp(`^ID .*\n${id} +nightly +default +30 2 \\* \\* \\* America/New_York `),
  )
  const shown = await schedule('show', 'nightly/default')
  expect(shown).toContain(`schedule   nightly/default (${id})\n`)
  expect(shown).toMatch(/\nmissed +run_all, up to 2h 0m back, 5 at most\n/)
  expect(shown).toMatch(/\nlate +after 5m 0s\nvariables +\{"who":"me"\}\nnext +\S+Z  \w{3} \S+ 0[23]:[03]0 UTC-[45]\n/)
  expect(JSON.parse(await schedule('show', id, '--json'))).toMatchObject({ id, late_after_seconds: 300 })
  expect((await schedule('next', id, '-n', '4')).trim().split('\n')).toHaveLength(4)
  expect(await schedule('pause', 'nightly/default')).toBe('nightly/default: paused\n')
  expect(await schedule('ls')).toContain('paused')
  expect(await schedule('resume', id)).toMatch(/^nightly\/default: next \d{4}-/)
  await server.db.query(
    `insert into schedule_ticks (schedule_id, tick, outcome, reason)
     select id, '2026-06-01T06:30:00Z', 'refused', 'the waiting list is full' from schedules`,
  )
  expect(await schedule('ticks', id)).toMatch(/2026-06-01T06:30:00.000Z +refused +the waiting list is full\n$/)
  expect(await schedule('rm', 'nightly/default', '--yes')).toBe('Deleted nightly/default\n')
  await expect(schedule('show', 'nightly/default')).rejects.toThrow(
    'no pipeline or event nightly has a schedule named default',
  )
})

test.each([
  [['add', 'nightly', '--cron', '61 * * * *'], /cron: cannot be read: Invalid value for minute/],
  [['add', 'nightly', '--cron', '0 3 * * *', '--zone', 'Mars/Olympus'], /zone: is no time zone/],
  [['add', 'nightly', '--every', '1s'], /every_seconds: is a whole number from 5/],
  [['add', 'nightly'], /give either cron or every_seconds/],
  [['add', 'none', '--every', '1h'], /pipeline: names no pipeline/],
  [['next', '--cron', '0 0 31 2 *'], /never comes/],
  [['next'], /name a schedule, or give --cron or --every/],
  [['rm', 'nightly/default'], /no terminal to ask on/],
])('%j is refused', async (words, told) => {
  await expect(schedule(...words)).rejects.toThrow(told)
})

test('an event: a schedule of it, and a webhook from create to rm', async () => {
  const definition = { kind: 'bash' as const, script: 'true' }
  await server.client.calls.events.create({ name: 'tidy up', status: 'active', definition })
  const id = (await schedule('add', 'tidy up', '--event', '--every', '1h', '--input', '{"days":3}')).trim()
  expect(await schedule('ls', '--event', 'tidy up')).toMatch(new RegExp(`\\n${id} +tidy up +default +every 1h 0m `))
  expect(await schedule('show', 'tidy up/default')).toMatch(/\ninput +\{"days":3\}\n/)
  expect(await schedule('pause', 'tidy up/default')).toBe('tidy up/default: paused\n')
  await expect(schedule('add', 'tidy up', '--event', '--every', '1h')).rejects.toThrow('tidy up has a schedule default')
  await expect(schedule('add', 'x', '--event', '--every', '1h')).rejects.toThrow('no such event')
  await expect(schedule('add', 'tidy up', '--name', 'b', '--event', '--every', '1h', '--set', 'a=b')).rejects.toThrow(
    'variables: are of pipelines',
  )
  await expect(schedule('add', 'nightly', '--every', '1h', '--input', '1')).rejects.toThrow(
    'input: is what runs of events',
  )

  const made = await webhook('create', 'tidy up', 'ci')
  const [, url] = /^address: (http\S+\/hooks\/[\w-]{43})\nsecret, shown this once: whsec_\S{44}\n$/.exec(made) ?? []
  expect(url).toContain(server.url)
  expect(await webhook('ls')).toMatch(/^EVENT +NAME .*\ntidy up +ci +standard +60\/min +http/)
  expect(JSON.parse(await webhook('ls', 'tidy up', '--json'))).toMatchObject([{ name: 'ci', url, enabled: true }])
  const rotated = JSON.parse(await webhook('rotate', 'tidy up', 'ci', '--keep-old', '0', '--json')) as {
    secret: string
  }
  expect(made).not.toContain(rotated.secret)
  expect(await webhook('disable', 'tidy up', 'ci')).toBe('tidy up/ci: disabled\n')
  expect((await fetch(url!, { method: 'POST' })).status).toBe(401)
  await until(async () => (await webhook('deliveries', 'tidy up', 'ci')).includes('no webhook-id'))
  await expect(webhook('rm', 'tidy up', 'ci')).rejects.toThrow('no terminal to ask on')
  expect(await webhook('rm', 'tidy up', 'ci', '--yes')).toBe('Deleted ci\n')
  await expect(webhook('deliveries', 'tidy up', 'ci')).rejects.toThrow('no such webhook')
})
