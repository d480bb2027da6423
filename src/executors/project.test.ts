/** Tasks of two project directories in real sandboxes, on a runner that allows nothing else. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { noSandbox } from './testing/needs.ts'
import { createRig } from './testing/rig.ts'

const root = realpathSync(mkdtempSync(join(tmpdir(), 'runyard-project-test-')))
chmodSync(root, 0o755)
afterAll(() => rmSync(root, { recursive: true, force: true }))

test.skipIf(noSandbox)('each sees its own directory and the tools, writes in the one, and in no other', async () => {
  const [app, second, tools] = ['app', 'second', 'tools'].map((name) => join(root, name)) as [string, string, string]
  for (const dir of [app, second, tools, join(tools, 'bin')]) mkdirSync(dir)
  writeFileSync(join(tools, 'bin/greet'), '#!/bin/sh\necho greeted\n', { mode: 0o755 })
  if (process.getuid?.() === 0) for (const [i, dir] of [app, second].entries()) chownSync(dir, 391_600 + i, 391_600 + i)
  const rig = await createRig({
    ...{ allowIsolationNone: false, allowNetworkHost: false },
    projects: { roots: [app, second], toolchains: [tools] },
  })
  try {
    for (const [own, others] of [
      [app, second],
      [second, app],
    ] as const) {
      const script = `pwd; greet; echo "$PATH"; echo here > made; ls -d ${others} || echo alone; : > ${tools}/bin/x || echo kept`
      const spec = { profile: 'project', network: 'host', working_dir: own } as const
      const ran = await rig.run(['bash', '-c', script], { spec })
      const [dir, said, path, ...more] = ran.stdout.trim().split('\n')
      expect([ran.exitCode, dir, said, more]).toEqual([0, own, 'greeted', ['alone', 'kept']])
      expect(path).toMatch(new RegExp(`^${tools}/bin:/usr/local/sbin:`))
      expect(readFileSync(join(own, 'made'), 'utf8')).toBe('here\n')
      expect(statSync(join(own, 'made')).uid).toBe(statSync(own).uid)
    }
  } finally {
    await rig.close()
  }
})
