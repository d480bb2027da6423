import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { onFact, type Fact } from '../lib/facts.ts'
import { projectWarnings } from './pipeline-files.ts'

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
