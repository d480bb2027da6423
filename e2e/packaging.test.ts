/** What `npm publish` would send: packed, installed in an empty folder, and used there. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noCgroups, noSandbox } from '../src/executors/testing/needs.ts'
import { makeProject } from './project.ts'
import { until } from './system.ts'

const checkout = fileURLToPath(new URL('..', import.meta.url))
let folder: string
let env: NodeJS.ProcessEnv
/** The package brings its own Node along; a program that imports it runs with the stranger's. */
const node24 = process.execPath

/** The system's npm and Node, as a stranger has them: not those of this checkout. */
const outside = (process.env.PATH ?? '')
  .split(':')
  .filter((dir) => !dir.includes('node_modules'))
  .join(':')

function inFolder(command: string, args: string[], cwd = folder) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 64 << 20 })
  return { status, stdout, stderr }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runyard-pack-'))
  // As root, PostgreSQL runs as another user, who must pass.
  await chmod(folder, 0o755)
  env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|RUNYARD_|VITEST)/.test(name))),
    PATH: outside,
    npm_config_loglevel: 'error',
    RUNYARD_DATA_DIR: join(folder, 'data'),
  }
  const packed = inFolder('npm', ['pack', '--silent', '--pack-destination', folder], checkout)
  expect(packed.status, packed.stderr).toBe(0)
  await writeFile(join(folder, 'package.json'), '{"name":"stranger","private":true,"type":"module"}')
  const tarball = join(folder, packed.stdout.trim().split('\n').at(-1)!)
  const installed = inFolder('npm', [
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
    tarball,
  ])
  expect(installed.status, installed.stderr).toBe(0)
}, 300_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the package holds the bundle, the migrations and the dashboard, and no sources', () => {
  const files = inFolder('find', [
    'node_modules/runyard',
    '-type',
    'f',
    '-not',
    '-path',
    '*/node_modules/runyard/node_modules/*',
  ])
  const has = (name: string): boolean => files.stdout.includes(`node_modules/runyard/${name}`)
  for (const name of ['bin/runyard.js', 'dist/runyard.js', 'dist/launcher.js', 'dist/index.js'])
    expect(has(name)).toBe(true)
  for (const name of ['dist/migrations/001_spine.sql', 'dist/web/index.html', 'LICENSE', 'README.md'])
    expect(has(name)).toBe(true)
  // What is started or shown to scripts as a file of its own.
  for (const name of ['expression-worker.js', 'starter.pl', 'runtime-helpers/js/run.cjs', 'runtime-helpers/python'])
    expect([name, has(`dist/${name}`)]).toEqual([name, true])
  for (const name of ['src/', 'e2e/', 'web/', 'test/']) expect(has(name)).toBe(false)
})

test('whatever the README and the pages behind it link to is in the package', async () => {
  const root = join(folder, 'node_modules', 'runyard')
  const pages = [
    'README.md',
    ...(await readdir(join(root, 'docs'))).filter((n) => n.endsWith('.md')).map((n) => `docs/${n}`),
  ]
  expect(pages.length).toBeGreaterThan(5)
  const broken: string[] = []
  for (const page of pages) {
    const text = await readFile(join(root, page), 'utf8')
    for (const [, link = ''] of text.matchAll(/\]\(([^)#:\s]+)[^):]*\)/g)) {
      if (!existsSync(join(root, dirname(page), link))) broken.push(`${page}: ${link}`)
    }
  }
  expect(broken).toEqual([])
})

test('an error that nobody catches ends a program with words, not with a line of a third of a megabyte', () => {
  const { status, stderr } = inFolder(node24, [
    '--input-type=module',
    '-e',
    "import { startJob } from 'runyard'; await startJob('true', { limits: { memoryBytes: 1 } })",
  ])
  expect(status).toBe(1)
  expect(stderr).toContain('limits.memoryBytes: at least 4 MiB')
  expect(stderr.length).toBeLessThan(3_000)
})

test.skipIf(noSandbox || process.getuid?.() !== 0)(
  'where limits cannot be held, the example of limits ends with a sentence',
  async () => {
    const text = await readFile(join(checkout, 'examples', 'limits.js'), 'utf8')
    await writeFile(join(folder, 'limits-of-nobody.js'), text)
    const nobody = { uid: 65534, gid: 65534, cwd: folder, encoding: 'utf8' as const }
    const result = spawnSync(node24, ['limits-of-nobody.js'], {
      ...nobody,
      env: { PATH: outside, HOME: '/nonexistent' },
    })
    expect(result.status).toBe(1)
    expect(result.stderr).toMatch(/^the limit \w+ cannot be enforced on this host: .*\n$/)
  },
  60_000,
)

test.skipIf(noSandbox)(
  'a whole Runyard in a program of a stranger: a run of a pipeline, its output, its sign-in, and an end',
  async () => {
    const project = await makeProject({
      'pipelines.yml': await readFile(join(checkout, 'examples/pipelines/pipelines.yml'), 'utf8'),
    })
    try {
      const text = await readFile(join(checkout, 'examples/embed/program.js'), 'utf8')
      await writeFile(join(folder, 'embed.js'), text)
      const { status, stdout, stderr } = inFolder(node24, ['embed.js', project.dir, join(folder, 'embedded')])
      const tasks = 'build: done\nlint: done\ntest: done\nannounce: done\n'
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${tasks}released 1.2\n`, stderr: '' })
    } finally {
      await project.remove()
    }
  },
  120_000,
)

test('it runs: version, doctor, a job, and what it left to read', async () => {
  const { version } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as { version: string }
  expect(inFolder('npx', ['runyard', '--version']).stdout).toBe(`${version}\n`)
  const doctor = JSON.parse(inFolder('npx', ['runyard', 'doctor', '--json']).stdout) as { facility: string }[]
  expect(doctor.map(({ facility }) => facility)).toContain('bubblewrap')
  const run = inFolder('npx', ['runyard', 'run', '--', 'sh', '-c', 'echo packed; exit 3'])
  expect(run).toEqual({ status: 3, stdout: 'packed\n', stderr: '' })
  expect(inFolder('npx', ['runyard', 'ls', '--state', 'failed']).stdout).toContain('echo packed')
}, 180_000)

test('up serves the dashboard and its API', async () => {
  const bin = join(folder, 'node_modules', 'runyard', 'bin', 'runyard.js')
  const up = spawn('node', [bin, 'up', '--json', '--port', '0'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    let said = ''
    up.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const { url } = await until('the address', async () => JSON.parse(said) as { url: string }, 60_000)
    expect(await (await fetch(url)).text()).toContain('<div id="root">')
    expect(await (await fetch(`${url}/api/v1/health`)).json()).toMatchObject({ status: 'ok' })
  } finally {
    up.kill('SIGTERM')
    await new Promise((resolve) => up.once('exit', resolve))
  }
}, 120_000)

/** What the example says at its end that it prints. */
async function examples(): Promise<{ name: string; text: string; prints: string }[]> {
  const dir = join(checkout, 'examples')
  const names = (await readdir(dir)).filter((name) => name.endsWith('.js'))
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(dir, name), 'utf8')
      return { name, text, prints: (text.split('\n// Prints:\n')[1] ?? 'nothing\n').replaceAll(/^\/\/ /gm, '') }
    }),
  )
}

test.skipIf(noSandbox || noCgroups)(
  'every example of the library prints what it says',
  async () => {
    const found = await examples()
    expect(found.length).toBeGreaterThan(3)
    for (const { name, text, prints } of found) {
      await writeFile(join(folder, name), text)
      expect({ name, ...inFolder(node24, [name]) }).toEqual({ name, status: 0, stdout: prints, stderr: '' })
    }
  },
  60_000,
)

test('client and library can be imported, with their types', async () => {
  const program = `import { createApiClient, startJob, type Job } from 'runyard'
const client = createApiClient({ baseUrl: 'http://127.0.0.1:9' })
export const submit = async (): Promise<string> => (await client.calls.jobs.submit({ command: ['true'] })).id
// @ts-expect-error a job has no such field
export const wrong = () => client.calls.jobs.submit({ comand: ['true'] })
export const jobs: Promise<Job>[] = [
  startJob('true'),
  startJob('echo', 'a', 'b'),
  startJob('echo', 'a', { limits: { memoryBytes: 1 << 25 }, network: 'none' }),
  startJob('echo', { args: ['a'], binds: [{ path: '/opt' }] }),
]
// @ts-expect-error an argument is a string
export const number = () => startJob('echo', 1)
// @ts-expect-error a job has no such option
export const unknown = () => startJob('echo', 'a', { memory: 1 })
export const text = async (job: Job): Promise<string | undefined> => (await job.newLogReader().nextLine())?.text
`
  await writeFile(join(folder, 'use.ts'), program)
  const options = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--skipLibCheck',
    '--types',
    '',
    'use.ts',
  ]
  const compiled = inFolder(process.execPath, [join(checkout, 'node_modules/typescript/bin/tsc'), ...options])
  expect(compiled.stdout).toBe('')
  const loaded = inFolder(process.execPath, [
    '-e',
    "import('runyard').then((m) => console.log(typeof m.createApiClient, typeof m.startJob))",
  ])
  expect(loaded.stdout).toBe('function function\n')
}, 60_000)
