/** The files for deployment against the program as it is: each command, flag, setting and path in them. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../src/config/config.ts'
import { settings, type Setting } from '../src/config/settings.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const units = globSync('deploy/systemd/*.service', { cwd: root }).toSorted()
const envNames = new Set(
  Object.values<Setting>(settings).flatMap(({ env, alias }) => (alias === undefined ? [env] : [env, alias])),
)

interface Service {
  build?: { context: string; dockerfile: string }
  command?: string[]
  entrypoint?: string[]
  environment?: Record<string, string>
  volumes?: string[]
  secrets?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
  network_mode?: string
}
interface Compose {
  services: Record<string, Service>
  volumes: Record<string, unknown>
  secrets: Record<string, { file: string }>
}
const compose = parse(read('deploy/compose.yml')) as Compose
const ours = Object.entries(compose.services).filter(([name]) => name !== 'postgres')

/** Lines of a unit; a name may come several times. */
const linesOf = (unit: string): [string, string][] =>
  read(unit)
    .split('\n')
    .filter((line) => /^\w+=/.test(line))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
const valueIn = (unit: string, name: string): string | undefined => linesOf(unit).find(([key]) => key === name)?.[1]

/** As they stand in scripts: `runyard a b --flag …`, up to what ends a command. */
const scriptCommands = (path: string): string[][] =>
  read(path)
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .flatMap((line) => [...(/\brunyard ([^|&;>]*)/.exec(line)?.slice(1) ?? [])])
    .map((words) => words.trim().split(/\s+/))

const commands: [string, string[]][] = [
  ...units.map((unit): [string, string[]] => [unit, valueIn(unit, 'ExecStart')!.split(' ').slice(1)]),
  ...ours.flatMap(([name, { command, entrypoint }]): [string, string[]][] =>
    command && !entrypoint ? [[`compose: ${name}`, command]] : [],
  ),
  ...globSync('deploy/container/*.sh', { cwd: root }).flatMap((path) =>
    scriptCommands(path).map((words): [string, string[]] => [path, words]),
  ),
  ['Containerfile', JSON.parse(/^CMD (.*)$/m.exec(read('deploy/Containerfile'))![1]!) as string[]],
]

const help = new Map<string, string>()
function helpOf(words: string[]): string {
  const key = words.join(' ')
  const known = help.get(key)
  if (known !== undefined) return known
  const args = ['--no-warnings', join(root, 'src/main.ts'), ...words, '--help']
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(status, key).toBe(0)
  help.set(key, stdout)
  return stdout
}

test('there are commands to look at', () => {
  expect(commands.length).toBeGreaterThan(7)
  expect(units).toHaveLength(3)
})

test.each(commands)('%s: runyard %j is a command with these flags', { timeout: 60_000 }, (_where, words) => {
  const names = words
    .slice(0, words.findIndex((word) => !/^[a-z-]+$/.test(word)) >>> 0)
    .filter((w) => !w.startsWith('-'))
  const text = helpOf(names)
  expect(text).toMatch(new RegExp(`^Usage: runyard ${names.join(' ')}\\b`))
  for (const flag of words.filter((word) => word.startsWith('--')))
    expect(text).toMatch(new RegExp(`^ .*${flag}\\b`, 'm'))
})

test('every environment variable is a setting', () => {
  const set = [
    ...ours.flatMap(([, { environment = {} }]) => Object.keys(environment)),
    ...units.flatMap((unit) =>
      linesOf(unit).flatMap(([name, value]) => (name === 'Environment' ? [value.split('=')[0]!] : [])),
    ),
    ...read('deploy/Containerfile')
      .matchAll(/\b([A-Z_]+)=\/\S+/g)
      .map(([, name]) => name!),
    ...[...read('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name!),
  ]
  expect(set.length).toBeGreaterThan(15)
  expect(set.filter((name) => !envNames.has(name))).toEqual([])
})

test('.env.example is read by the program, and with secrets of one’s own it may be reached from outside', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'runyard-env-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const config = loadConfig({ env: {}, envFile: join(root, '.env.example') })
  expect(config).toMatchObject({ host: '127.0.0.1', port: 8000, grpcPort: 50_051, logLevel: 'info' })
  // Taken as it is, it must not look for the database of the compose file.
  expect(config.databaseUrl).toBeUndefined()
  // Nothing in it is a secret that somebody could leave as it is.
  expect([config.jwtSecret, config.secretKey, config.adminPassword]).toEqual([undefined, undefined, undefined])
  const filled = read('.env.example')
    .replace(/^RUNYARD_SECRET_KEY=$/m, 'RUNYARD_SECRET_KEY=q4FJ7W9Lp0mX2cVt8RkYh3NbZs6DgUe1AiOoTwPlC5E=')
    .replace(/^RUNYARD_JWT_SECRET=$/m, 'RUNYARD_JWT_SECRET=Zk3vQ8rT1nXw6LpYb0HsD4mGfJ7cUe2AiRoV9tPqWl5K')
    .replace(/^RUNYARD_ADMIN_PASSWORD=$/m, 'RUNYARD_ADMIN_PASSWORD=correct horse battery staple')
    .replaceAll(/^# ([A-Z_]+=)/gm, '$1')
  const envFile = join(dir, 'runyard.env')
  await writeFile(envFile, filled)
  const outside = loadConfig({ env: {}, envFile, argvFlags: { host: '0.0.0.0', grpcHost: '0.0.0.0' } })
  expect(outside).toMatchObject({ host: '0.0.0.0', metricsPort: 9464, otlpEndpoint: 'http://127.0.0.1:4318' })
  for (const name of ['databaseUrl', 'secretKey', 'jwtSecret', 'adminPassword'] as const)
    expect(outside[name]).toBeTruthy()
})

test('the image is made of files that are there', () => {
  const containerfile = read('deploy/Containerfile')
  const sources = [...containerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, files]) => files!.split(' '))
  expect(sources.length).toBeGreaterThan(4)
  expect(sources.filter((path) => !existsSync(join(root, path)))).toEqual([])
  const { bin, name } = JSON.parse(read('package.json')) as { bin: Record<string, string>; name: string }
  const [entry] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(containerfile)![1]!) as string[]
  expect(bin[entry!]).toBe('bin/runyard.js')
  expect(containerfile).toContain(`/tmp/${name}-*.tgz`)
  expect(containerfile.indexOf('USER runyard')).toBeLessThan(containerfile.indexOf('ENTRYPOINT'))
})

test('the parts of the compose file belong together', () => {
  const containerfile = read('deploy/Containerfile')
  const { build } = compose.services.server!
  expect(existsSync(join(root, 'deploy', build!.context, build!.dockerfile))).toBe(true)
  const installed = /^COPY (deploy\/container.*) (\/\S+)$/m.exec(containerfile)!
  for (const [name, service] of Object.entries(compose.services)) {
    for (const script of service.entrypoint ?? []) {
      expect(dirname(script)).toBe(installed[2]!.replace(/\/$/, ''))
      const local = installed[1]!.split(' ').find((path) => basename(path) === basename(script))
      expect(() => accessSync(join(root, local!), constants.X_OK)).not.toThrow()
    }
    for (const volume of service.volumes ?? []) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0])
    for (const secret of service.secrets ?? []) expect(Object.keys(compose.secrets)).toContain(secret)
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      expect(Object.keys(compose.services)).toContain(other)
      if (condition === 'service_healthy') expect(compose.services[other]!.healthcheck).toBeDefined()
    }
    if (name !== 'enrol') expect(service.healthcheck, name).toBeDefined()
  }
  // What the server is called in its certificate is what the runner dials.
  const { enrol, server } = compose.services
  expect(enrol!.command![1]!.split(':')[0]).toBe(server!.environment!.RUNYARD_GRPC_NAMES)
  expect(read('.gitignore').split('\n')).toContain('deploy/secrets/')
  for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^secrets\//)
})

test('the units keep what the launcher needs', () => {
  for (const unit of units) {
    const data = basename(unit, '.service')
    expect(valueIn(unit, 'ExecStart')).toContain(`--data-dir /var/lib/${data} --run-dir /run/${data}`)
    expect([valueIn(unit, 'StateDirectory'), valueIn(unit, 'RuntimeDirectory')]).toEqual([data, data])
    expect(valueIn(unit, 'NoNewPrivileges')).toBe('yes')
    if (data === 'runyard-server') {
      expect(valueIn(unit, 'User')).toBe('runyard')
      continue
    }
    expect([valueIn(unit, 'KillMode'), valueIn(unit, 'Delegate')]).toEqual(['process', 'yes'])
    expect(valueIn(unit, 'RuntimeDirectoryPreserve')).toBe('yes')
    // Each of these gives the unit a mount namespace or takes one from its sandboxes.
    const breaking = /^(Protect|Private|ReadOnly|ReadWrite|Inaccessible|Bind|RestrictNamespaces|SystemCall|MemoryDeny)/
    expect(linesOf(unit).filter(([name]) => breaking.test(name))).toEqual([])
  }
})

const have = (program: string, ...args: string[]): boolean => spawnSync(program, args, { stdio: 'ignore' }).status === 0
const says = (name: string, there: boolean) => (there ? name : `${name} (skipped: not installed here)`)

const systemd = have('systemd-analyze', '--version')
test.skipIf(!systemd)(says('systemd-analyze finds nothing wrong', systemd), { timeout: 60_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'runyard-units-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const copies = await Promise.all(
    units.map(async (unit) => {
      const copy = join(dir, basename(unit))
      // The program is not installed here; what stands in its place is what `npm install --global` links to.
      await writeFile(copy, read(unit).replace('/usr/local/bin/runyard', join(root, 'bin/runyard.js')))
      return copy
    }),
  )
  const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...copies], { encoding: 'utf8' })
  const about = `${stdout}${stderr}`.split('\n').filter((line) => line.includes(dir) || /runyard/.test(line))
  expect(about).toEqual([])
})

const linter = [['docker', 'compose'], ['podman-compose'], ['docker-compose']].find(([program, ...args]) =>
  have(program!, ...args, 'version'),
)
test.skipIf(!linter)(
  says('a compose program reads the compose file', linter !== undefined),
  { timeout: 60_000 },
  () => {
    const [program, ...args] = linter!
    const file = join(root, 'deploy/compose.yml')
    const { status, stderr } = spawnSync(program!, [...args, '-f', file, 'config'], { encoding: 'utf8' })
    expect(status, stderr).toBe(0)
  },
)
