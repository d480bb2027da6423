import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { jobKeys, ownKeys, prunnerKeys } from './definition-keys.ts'

test('docs/pipelines.md describes every key, and marks those that are ours', async () => {
  const text = await readFile(new URL('../../docs/pipelines.md', import.meta.url), 'utf8')
  const rows = (title: string): string[] =>
    [...(text.split(`## ${title}\n`)[1] ?? '').split('\n## ')[0]!.matchAll(/^\| `(\w+)`( ·)? \|/gm)].map(
      (row) => `${row[1]}${row[2] ?? ''}`,
    )
  const ours = (keys: readonly string[]): string[] =>
    keys.filter((key) => !(jobKeys as readonly string[]).includes(key)).map((key) => `${key} ·`)
  expect(rows('Keys of a pipeline').sort()).toEqual([...prunnerKeys.pipeline, ...ours(ownKeys.pipeline)].sort())
  expect(rows('Keys of a task').sort()).toEqual([...prunnerKeys.task, ...ours(ownKeys.task)].sort())
  expect(rows('Keys of both, for their jobs')).toEqual(jobKeys.map((key) => `${key} ·`))
  const { parameter, schedule, retry, approval, notify, sub_pipeline: sub } = ownKeys
  for (const key of [...parameter, ...schedule, ...retry, ...approval, ...notify, ...sub])
    expect(text).toMatch(new RegExp(`\\b${key}\\b`))
})
