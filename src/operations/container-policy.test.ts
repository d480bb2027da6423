import { expect, test } from 'vitest'
import { loadConfig } from '../config/config.ts'
import { jobSpecSchema } from '../job/spec.ts'
import { policyProblems } from './submit-policy.ts'

const config = (env: Record<string, string> = {}) =>
  loadConfig({ env: { RUNYARD_DATA_DIR: '/nonexistent/runyard', ...env } })
const of = (container: object, env?: Record<string, string>, more: object = {}) =>
  policyProblems(
    jobSpecSchema.parse({ command: ['true'], executor: 'container', container: { image: 'x', ...container }, ...more }),
    config(env),
  ).map(({ field, message }) => `${field}: ${message}`)

test('networks: only those that are listed, and never the host’s', () => {
  expect(of({ network: 'bridge' })).toEqual([
    'container.network: no network may be named here; an administrator can set RUNYARD_CONTAINER_NETWORKS=bridge',
  ])
  const env = { RUNYARD_CONTAINER_NETWORKS: 'bridge,build,host' }
  expect(of({ network: 'build' }, env)).toEqual([])
  expect(of({ network: 'other' }, env)).toEqual([expect.stringMatching(/must be one of: bridge, build, host;/)])
  expect(of({ network: 'host' }, env)).toEqual([expect.stringMatching(/of the host is never given/)])
})

test('volumes: by name and mode; not over what is ours', () => {
  const env = { RUNYARD_CONTAINER_VOLUMES: 'cache,out:rw' }
  const volume = (name: string, mode = 'ro', path = `/mnt/${name}`) => ({ name, path, mode })
  expect(of({ volumes: [volume('cache'), volume('out', 'rw'), volume('out', 'ro', '/mnt/2')] }, env)).toEqual([])
  expect(of({ volumes: [volume('cache', 'rw'), volume('secret')] }, env)).toEqual([
    expect.stringMatching(/^container.volumes\[0\].mode: is read-only here; .*=cache:rw$/),
    expect.stringMatching(/^container.volumes\[1\].name: must be one of: cache, out;/),
  ])
  const places = ['/', '/proc/sys', '/runyard', '/dev//', '/runyard/../etc', '/mnt/x', '/mnt//x/']
  const wrong = places
    .filter((path) => !path.includes('..'))
    .map((path) => of({ volumes: [volume('cache', 'ro', '/mnt/x'), volume('cache', 'ro', path)] }, env).length)
  expect(wrong).toEqual([1, 1, 1, 1, 1, 1])
  expect(of({ volumes: [volume('cache', 'ro', '/development')] }, env)).toEqual([])
})

test('binds and the working directory of a container are those of this machine, of ssh those of the host', () => {
  expect(of({}, {}, { working_dir: '/srv/x', binds: [{ path: '/etc' }] })).toHaveLength(2)
  expect(
    of(
      {},
      { ALLOWED_WORKDIRS: '/srv', RUNYARD_ALLOWED_READ_ONLY_BINDS: '/etc' },
      { working_dir: '/srv/x', binds: [{ path: '/etc' }] },
    ),
  ).toEqual([])
  const ssh = jobSpecSchema.parse({ command: ['true'], executor: 'ssh', hosts: ['web1'], working_dir: '/srv/x' })
  expect(policyProblems(ssh, config())).toEqual([])
})
