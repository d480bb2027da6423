import { expect, onTestFinished, test } from 'vitest'
import { testDatabase } from '../../test/database.ts'
import type { PipelineDefinition } from '../job/pipeline.ts'
import { findVersion, lockPipeline, pipelineInForce, putDefinition, versionsOf } from './definition-store.ts'
import { findPipeline } from './find-pipelines.ts'
import { definitionOf } from './testing/definitions.ts'

async function world() {
  const base = await testDatabase()
  onTestFinished(() => base.drop())
  const { db } = base
  const from = { path: '/p/pipelines.yml', root: '/p' }
  const put = (definition: PipelineDefinition, name = 'a') =>
    db.tx((tx) => putDefinition(tx, { name, definition, source: 'x', from }))
  return { db, put }
}

test('servers that load the same at once make one version of it', async () => {
  const { db, put } = await world()
  const definition = definitionOf({ env: { A: '1', B: '2' } })
  const stored = await Promise.all(Array.from({ length: 8 }, () => put(definition)))
  expect(stored.filter(({ changed }) => changed)).toHaveLength(1)
  expect(new Set(stored.map(({ version }) => version))).toEqual(new Set([1]))
  expect(await put(definitionOf({ env: { B: '2', A: '1' } }))).toMatchObject({ changed: false, returned: false })
  const others = await Promise.all([1, 2, 3].map((concurrency) => put(definitionOf({ concurrency: concurrency + 1 }))))
  expect(others.map(({ version }) => version).sort((a, b) => a - b)).toEqual([2, 3, 4])
  expect((await pipelineInForce(db, 'a'))!.version).toBe(4)
  expect(await db.tx((tx) => lockPipeline(tx, 'a'))).toMatchObject({
    version: 4,
    gone: false,
    path: '/p/pipelines.yml',
  })
})

test('parameters come back in the order in which they were written, which is content', async () => {
  const { db, put } = await world()
  const parameter = { type: 'string' as const, description: null, required: false, choices: [] }
  const inOrder = (...names: string[]) =>
    definitionOf({ parameters: Object.fromEntries(names.map((name) => [name, parameter])) })
  const read = async () => {
    const { row, full } = (await findPipeline(db, 'a', {}))!
    const ran = (await pipelineInForce(db, 'a'))!.definition
    return [row, full, ran].map(({ parameters }) => Object.keys(parameters).join(' '))
  }
  await put(inOrder('zone', 'branch', 'a'))
  expect(await read()).toEqual(Array(3).fill('zone branch a'))
  expect(await put(inOrder('a', 'branch', 'zone'))).toMatchObject({ version: 2, changed: true })
  expect(await read()).toEqual(Array(3).fill('a branch zone'))
})

test('the newest 200 versions are kept, in force or not', async () => {
  const { db, put } = await world()
  const { pipelineId } = await put(definitionOf())
  await db.query(
    `insert into pipeline_versions (pipeline_id, number, hash, definition, source)
     select $1, n, n, '{"tasks": []}', '' from generate_series(2, 205) n`,
    [pipelineId],
  )
  expect(await put(definitionOf({ concurrency: 2 }))).toMatchObject({ version: 206 })
  const [versions] = [await versionsOf(db, 'a', null, 1000)]
  expect([versions.length, versions[0]!.number, versions.at(-1)!.number]).toEqual([200, 206, 7])
  expect(await findVersion(db, 'a', 6)).toBeNull()
})
