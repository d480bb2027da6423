import { expect, test } from 'vitest'
import type { StoredSpec } from '../../job/spec.ts'
import type { Assignment } from '../control-plane.ts'
import { commandOf, helperEnv, planHelpers } from './plan.ts'

const given = (executor: StoredSpec['executor'], more: object = {}): Assignment =>
  ({
    ...{ jobId: 'abcdefghijkl', env: {}, secretEnv: {}, script: { kind: 'node', text: 'export {}' } },
    spec: { executor, isolation: 'full', event: { run_id: 'abcdefghijk2', name: 'e', kind: 'node' }, ...more },
  }) as unknown as Assignment
const planned = (executor: StoredSpec['executor'], more?: object) =>
  planHelpers(given(executor, more), () => '/host/dir')

test('scripts have helpers wherever they run; requests and messages run nothing', () => {
  for (const executor of ['sandbox', 'container', 'ssh', 'slurm', 'kubernetes'] as const) {
    expect(planned(executor)).toMatchObject({ dir: '/host/dir', place: '/runyard', script: { file: 'script.mjs' } })
  }
  expect(planned('http')).toBeUndefined()
  expect(planned('message')).toBeUndefined()
  expect(planned('container', { event: undefined })).toBeUndefined()
  expect(planned('ssh', { event: undefined, helpers: true })).toBeDefined()
})

test('the Node of this host is lent to sandboxes alone', () => {
  expect(planned('sandbox')?.node).toMatch(/node/)
  for (const executor of ['container', 'ssh'] as const) expect(planned(executor)?.node).toBeUndefined()
})

test('everything is said by its place, which a driver may put elsewhere', () => {
  const plan = planned('container')!
  expect(commandOf(plan)).toEqual(['node', '/runyard/lib/js/run.cjs', '/runyard/script.mjs'])
  expect(helperEnv(plan, given('container'))).toMatchObject({
    RUNYARD_DIR: '/runyard',
    RUNYARD_SOCKET: '/runyard/socket',
  })
})
