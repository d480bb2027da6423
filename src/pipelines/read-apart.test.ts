import { expect, test } from 'vitest'
import { readApart } from './read-apart.ts'
import { readPipelines } from './read-yaml.ts'

test('what is large is read in a thread, and read the same', async () => {
  const text = `${'# a remark\n'.repeat(7000)}pipelines:\n  a: {tasks: {t: {script: ['echo {{ .x }}'], zzz: 1}}}\n  b: {tasks: 1}\n`
  const files = [{ path: 'pipelines.yml', text }]
  expect(await readApart(files, { strict: false })).toEqual(readPipelines(files, { strict: false }))
})
