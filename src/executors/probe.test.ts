import { expect, test } from 'vitest'
import { languagesRow } from './probe.ts'

test('which languages scripts of events find', () => {
  const having = (...programs: string[]) => languagesRow((program) => programs.includes(program))
  expect(having('bash', 'python3', 'node', 'go')).toEqual({
    ...{ facility: 'languages', ok: 'yes', found: 'bash, python3, node, go', fix: '' },
  })
  expect(having('bash')).toMatchObject({
    ...{ ok: 'partly', found: 'bash, node (Runyard’s own); jobs see no python3', fix: 'install python3' },
  })
  expect(languagesRow().found).toContain('bash')
})
