/** The profile `project`: what tasks of pipelines may on this runner, and no other job. */
import { chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StoredSpec } from '../../job/spec.ts'
import { sampleOrder } from '../testing/orders.ts'
import { checkBinds, checkModes, checkWorkingDir, toolchainBinds, type Policy } from './policy.ts'

let root: string
let app: string
let other: string
let tools: string
let policy: Policy
const none: Policy = {
  ...{ allowIsolationNone: false, allowNetworkHost: false },
  ...{ allowedWorkdirs: [], allowedReadOnlyBinds: [], allowedReadWriteBinds: [] },
}

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'runyard-policy-')))
  ;[app, other, tools] = ['app', 'app-other', 'tools'].map((name) => join(root, name)) as [string, string, string]
  for (const dir of [app, join(app, 'sub'), other, tools]) {
    mkdirSync(dir)
    if (process.getuid?.() === 0) chownSync(dir, 391_500, 391_500)
  }
  writeFileSync(join(app, 'file'), '')
  symlinkSync(other, join(app, 'out'))
  policy = { ...none, projects: { roots: [app], toolchains: [tools] } }
})
afterAll(() => rmSync(root, { recursive: true }))

const spec = (over: Partial<StoredSpec>): StoredSpec => sampleOrder(['true'], { spec: over }).spec
const task = (over: Partial<StoredSpec> = {}): StoredSpec => spec({ profile: 'project', network: 'host', ...over })
const refused = (message: RegExp) => ({ errorClass: 'refused', message: expect.stringMatching(message) as string })

test('a task of a project has the host’s network and its directory; no other job gets either of them by that', async () => {
  checkModes(task(), policy)
  expect(await checkWorkingDir(join(app, 'sub'), task(), policy)).toMatchObject({ real: join(app, 'sub') })
  expect(await toolchainBinds(task(), policy)).toMatchObject([{ path: tools, real: tools, mode: 'ro' }])

  expect(() => checkModes(spec({ network: 'host' }), policy)).toThrow(/network "host" is not allowed on this runner/)
  await expect(checkWorkingDir(app, spec({}), policy)).rejects.toMatchObject(
    refused(/none is allowed.*ALLOWED_WORKDIRS/),
  )
  expect(await toolchainBinds(spec({}), policy)).toEqual([])
})

test('a task of a project gets no more than that: other directories, binds, a run without a sandbox', async () => {
  for (const dir of [other, join(app, 'out'), root, '/etc', `${app}/../app-other`]) {
    await expect(checkWorkingDir(dir, task(), policy)).rejects.toMatchObject(
      refused(/outside .*setting RUNYARD_PIPELINES/),
    )
  }
  const allowed = { ...policy, allowedWorkdirs: [other] }
  await expect(checkWorkingDir(other, task(), allowed)).rejects.toMatchObject(refused(/RUNYARD_PIPELINES/))
  await expect(checkBinds(task({ binds: [{ path: app, mode: 'rw' }] }), policy)).rejects.toMatchObject(refused(/bind/))
  expect(() => checkModes(task({ isolation: 'none' }), policy)).toThrow(/isolation "none" is not allowed/)
})

test('a runner without project directories runs none of them', () => {
  for (const without of [none, { ...none, allowNetworkHost: true, projects: { roots: [], toolchains: [tools] } }]) {
    expect(() => checkModes(task(), without)).toThrow(/tasks of a project do not run on this runner .*--pipelines/)
  }
})

test('a directory of root is refused, with what to do about it', async () => {
  const ofRoot = { ...none, projects: { roots: ['/usr'], toolchains: [] } }
  await expect(checkWorkingDir('/usr', task(), ofRoot)).rejects.toMatchObject(
    refused(/\/usr belongs to root, and jobs never run as root.*chown -R \S+: \/usr$/),
  )
  await expect(checkWorkingDir(join(app, 'file'), task(), policy)).rejects.toMatchObject({ errorClass: 'start' })
  await expect(
    toolchainBinds(task(), { ...none, projects: { roots: [app], toolchains: [join(root, 'gone')] } }),
  ).rejects.toMatchObject({ errorClass: 'start', message: expect.stringContaining('toolchain') as string })
})
