import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runyard-walls-'))
  copyFileSync(join(root, '.oxlintrc.json'), join(dir, '.oxlintrc.json'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** Lints files given as `path: import specifier` and returns the paths that break a rule. */
async function refused(files: Record<string, string>): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
  const output = await new Promise<string>((resolve) => {
    execFile(
      join(root, 'node_modules/.bin/oxlint'),
      ['--format', 'unix', '--no-error-on-unmatched-pattern'],
      { cwd: dir },
      (_error, stdout) => resolve(stdout),
    )
  })
  return Object.keys(files).filter((path) => output.includes(`${path}:`))
}

const importing = (from: string): string => `import { thing } from '${from}'\nexport const used = thing\n`

const closed: [folder: string, from: string][] = [
  ['src/lib', '../job/spec.ts'],
  ['src/job', '../db/pool.ts'],
  ['src/config', '../queue/find.ts'],
  ['src/db', '../job/state.ts'],
  ['src/queue', '../logs/log-store.ts'],
  ['src/logs', '../access/audit.ts'],
  ['src/access', '../queue/find.ts'],
  ['src/operations', '../api/contract/jobs.ts'],
  ['src/api/rest', '../../queue/find.ts'],
  ['src/api', '../access/users.ts'],
  ['src/executors/launcher', '../../db/pool.ts'],
  ['src/executors/supervisor', '../../logs/log-store.ts'],
  ['src/runner', '../queue/claim.ts'],
  ['src/runner', '../logs/log-store.ts'],
  ['src/runner', '../api/contract/jobs.ts'],
  ['src/backup', '../operations/jobs.ts'],
  ['src/queue', '../backup/index.ts'],
  ['src/cli/commands', '../../backup/session.ts'],
  ['src/cli/commands', '../../operations/jobs.ts'],
  ['src/cli', '../api/rest/app.ts'],
  ['web/src', '../../src/queue/find.ts'],
  ['web/src', '../../src/api/contract/jobs.ts'],
]

test('each wall stands', async () => {
  const files = Object.fromEntries(closed.map(([folder, from], i) => [`${folder}/f${i}.ts`, importing(from)]))
  expect(await refused(files)).toEqual(Object.keys(files))
})

test('what the walls allow passes', async () => {
  const files = {
    'src/job/a.ts': importing('../lib/ids.ts'),
    'src/queue/a.ts': importing('../db/pool.ts'),
    'src/operations/a.ts': importing('../queue/find.ts'),
    'src/api/grpc/a.ts': importing('../../operations/runner-port.ts'),
    'src/api/a.ts': importing('../access/authenticate.ts'),
    'src/executors/a.ts': importing('../logs/redactor.ts'),
    'src/runner/a.ts': importing('../logs/records.ts'),
    'src/runner/b.ts': importing('../api/grpc/gen/runyard/runner/v1/runner_pb.js'),
    'src/server/a.ts': importing('../queue/upkeep.ts'),
    'src/cli/commands/a.ts': importing('../../api/contract/jobs.ts'),
    'src/queue/a.test.ts': importing('../logs/log-store.ts'),
    'web/src/a.ts': "import type { Job } from '../../src/api/contract/jobs.ts'\nexport type Mine = Job\n",
  }
  expect(await refused(files)).toEqual([])
})

test('two files that need each other are refused, and a promise that nobody waits for', async () => {
  const files = {
    'src/lib/a.ts': "import { b } from './b.ts'\nexport const a = (): number => b()\n",
    'src/lib/b.ts': "import { a } from './a.ts'\nexport const b = (): number => a()\n",
    'src/lib/c.ts': 'export const soon = async (): Promise<void> => {}\nsoon()\n',
    'tsconfig.json': '{ "compilerOptions": { "strict": true, "allowImportingTsExtensions": true, "noEmit": true } }',
  }
  expect(await refused(files)).toEqual(['src/lib/a.ts', 'src/lib/b.ts', 'src/lib/c.ts'])
})
