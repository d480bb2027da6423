import { expect, test } from 'vitest'
import { openJobEnv } from '../access/job-env.ts'
import { createSealer } from '../access/secrets.ts'
import { loadConfig } from '../config/config.ts'
import { projectLabel } from '../job/project.ts'
import type { TaskJob } from '../pipelines/run.ts'
import type { Deps } from './deps.ts'
import { pipelineHooks } from './pipeline-hooks.ts'

const sealer = createSealer(Buffer.alloc(32, 7))
const deps = { config: loadConfig({ env: { RUNYARD_DATA_DIR: '/nowhere' } }), sealer } as unknown as Deps
const job = (over: Partial<TaskJob> = {}) =>
  pipelineHooks(deps).newJob({
    ...{ ownerId: '1', name: 'build/test', command: ['bash', '-c', 'true'], env: {}, root: null, settings: {} },
    ...{ maxAttempts: 1, retry: null, timeoutSeconds: null, artifacts: [], artifactsFrom: {} },
    ...over,
  })

test('a task of a project runs in it, on a runner that has it; names of ours go with the others', () => {
  const env = { TASK_NAME: 'test', RUNYARD_PIPELINE: 'build' }
  const { spec, envSealed, publicId } = job({ root: '/srv/nowhere', env, maxAttempts: 3, timeoutSeconds: 60 })
  expect(spec).toMatchObject({
    ...{ name: 'build/test', profile: 'project', working_dir: '/srv/nowhere', network: 'host', outputs: true },
    required_labels: projectLabel('/srv/nowhere'),
    ...{ max_attempts: 3, timeout_seconds: 60 },
  })
  expect(openJobEnv(envSealed, publicId, sealer).env).toEqual(env)
})

test('a stored pipeline may no more than any job, and is told so in words', () => {
  expect(job().spec).toMatchObject({ network: 'none' })
  expect(job().spec.profile).toBeUndefined()
  expect(() => job({ settings: { network: 'host', working_dir: '/srv' } })).toThrow(
    /^working_dir: no working directory is allowed here.*; network: the host network is not allowed here/,
  )
})

test('what came out of a template and cannot be a job is refused in words', () => {
  expect(() => job({ env: { 'A B': 'x' } })).toThrow(/is no name of a variable/)
  expect(() => job({ command: ['bash', 'a\0b'] })).toThrow(/NUL/)
  expect(job({ name: `${'p'.repeat(128)}/${'t'.repeat(128)}` }).spec.name).toHaveLength(200)
})
