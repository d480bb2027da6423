import { expect, test } from 'vitest'
import { loadConfig } from '../config/config.ts'
import { jobSpecSchema, type JobSpecInput } from '../job/spec.ts'
import { isUnder, policyProblems, type SubmitPolicy } from './submit-policy.ts'

const strict: SubmitPolicy = loadConfig({ env: { RUNYARD_DATA_DIR: '/nonexistent/runyard' } })
const fieldsOf = (input: Partial<JobSpecInput>, policy = strict): string[] =>
  policyProblems(jobSpecSchema.parse({ command: ['true'], ...input }), policy).map((p) => p.field)

test.each([
  ['/srv/a', ['/srv'], true],
  ['/srv', ['/srv/'], true],
  ['/srv-evil', ['/srv'], false],
  ['/srv/./a//b', ['/srv/a'], true],
  ['/etc', ['/'], true],
  ['/srv', [], false],
])('%s under %j: %s', (path, allowed, answer) => {
  expect(isUnder(path, allowed)).toBe(answer)
})

test('by default nothing of the host is open to a job', () => {
  expect(fieldsOf({ working_dir: '/srv' })).toEqual(['working_dir'])
  expect(fieldsOf({ binds: [{ path: '/srv', mode: 'ro' }] })).toEqual(['binds[0].path'])
  expect(fieldsOf({ isolation: 'none', network: 'host' })).toEqual(['isolation', 'network'])
  expect(fieldsOf({})).toEqual([])
})

test('a read-write path may be bound read-only, not the other way round', () => {
  const policy = { ...strict, allowedReadOnlyBinds: ['/ro'], allowedReadWriteBinds: ['/rw'] }
  expect(fieldsOf({ binds: [{ path: '/ro/x' }, { path: '/rw/x' }, { path: '/rw', mode: 'rw' }] }, policy)).toEqual([])
  expect(fieldsOf({ binds: [{ path: '/ro/x', mode: 'rw' }] }, policy)).toEqual(['binds[0].path'])
})

test('only shared inputs that are declared, and only where there are namespaces', () => {
  const policy = { ...strict, sharedInputs: { fixtures: '/mnt' }, allowIsolationNone: true }
  const inputs = [{ share: 'fixtures' }, { share: 'other' }]
  expect(fieldsOf({ inputs }, policy)).toEqual(['inputs[1].share'])
  expect(fieldsOf({ inputs: inputs.slice(0, 1), isolation: 'none' }, policy)).toEqual(['inputs'])
})

test('destinations that the administrator allows, and each other one by its place', () => {
  const egress = ['api.example.com', '*.evil.example', '10.1.2.3:5432']
  expect(fieldsOf({ network: 'egress', egress })).toEqual(['egress[0]', 'egress[1]', 'egress[2]'])
  const policy = { ...strict, egressAllow: ['**', '10.0.0.0/8:22'] }
  expect(fieldsOf({ network: 'egress', egress }, policy)).toEqual(['egress[2]'])
  const spec = jobSpecSchema.parse({ command: ['true'], network: 'egress', egress: ['a.example'] })
  expect(policyProblems(spec, strict)[0]?.message).toBe(
    'a.example is not allowed here, no destination is; an administrator can add to RUNYARD_EGRESS_ALLOW',
  )
})

test('each refusal says which setting opens it', () => {
  const [problem] = policyProblems(jobSpecSchema.parse({ command: ['true'], working_dir: '/srv' }), strict)
  expect(problem?.message).toMatch(/^no working directory is allowed here; .*ALLOWED_WORKDIRS/)
  const [other] = policyProblems(jobSpecSchema.parse({ command: ['true'], working_dir: '/srv' }), {
    ...strict,
    allowedWorkdirs: ['/work', '/data'],
  })
  expect(other?.message).toMatch(/^must be one of these or below: \/work, \/data;/)
  const [network] = policyProblems(jobSpecSchema.parse({ command: ['true'], network: 'host' }), strict)
  expect(`network: ${network?.message}`).toBe(
    'network: the host network is not allowed here; an administrator can set RUNYARD_ALLOW_NETWORK_HOST=true',
  )
})
