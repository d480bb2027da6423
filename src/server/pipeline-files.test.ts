import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runningServer } from '../../test/running-server.ts'
import { createApiClient } from '../api/client.ts'
import { onFact, type Fact } from '../lib/facts.ts'
import { projectWarnings } from './pipeline-files.ts'
import { startServer } from './server.ts'

test('a project directory of root is told of when the server starts, and none that its tasks can run in', async () => {
  const own = mkdtempSync(join(tmpdir(), 'runyard-own-'))
  if (process.getuid?.() === 0) chownSync(own, 391_700, 391_700)
  const told: Fact[] = []
  const stop = onFact((fact) => told.push(fact))
  onTestFinished(() => {
    stop()
    rmSync(own, { recursive: true })
  })
  expect(await projectWarnings({ pipelines: [own, join(own, 'gone')] })).toEqual([])
  const [warning, ...more] = await projectWarnings({ pipelines: [own, '/usr/'] })
  expect([warning, more]).toEqual([
    expect.stringMatching(/^\/usr belongs to root, and no task runs as root: .* chown -R \S+: \/usr$/),
    [],
  ])
  expect(told).toEqual([{ name: 'pipelines.root_owned', level: 'warn', why: warning }])
})

test('a server that a command starts for itself takes no pipeline away; the one that somebody starts without it does', async () => {
  const root = mkdtempSync(join(tmpdir(), 'runyard-root-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  writeFileSync(join(root, 'pipelines.yml'), 'pipelines: {a: {schedule: {every: 1h}, tasks: {t: {script: ["true"]}}}}')
  const first = await runningServer({ RUNYARD_PIPELINES: root })
  onTestFinished(() => first.close())
  const found = async (server: { url: string; localToken: string }): Promise<string[]> => {
    const { calls } = createApiClient({ baseUrl: server.url, token: server.localToken })
    const { pipelines } = await calls.pipelines.list({})
    return pipelines.map(({ name, next_run_at: next }) => `${name} ${next}`)
  }
  const before = await found(first)
  expect(before).toEqual([expect.stringMatching(/^a \d/)])
  await first.stop()
  for (const passing of [true, false]) {
    const next = await startServer({ ...first.config, pipelines: [] }, { version: '0', webRoot: root, passing })
    expect(await found(next).finally(() => next.stop())).toEqual(passing ? before : [])
  }
})
