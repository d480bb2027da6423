/** The options of `run` and `start`, and the job document that they write. */
import { isAbsolute, resolve } from 'node:path'
import { InvalidArgumentError, Option, type Command } from 'commander'
import {
  executorKinds,
  hostLimits,
  hostSuccess,
  type HostSuccess,
  specLimits,
  strategies,
  type ExecutorKind,
  type JobSpecInput,
  type Strategy,
} from '../job/spec.ts'
import { AppError } from '../lib/app-error.ts'
import { parseDuration, parseNumber, parseSize, parseTimeLimit, parseWhole, parseWithin } from './units.ts'

export interface JobOptions {
  name?: string
  timeout?: number
  cpu?: number
  memory?: number
  pids?: number
  openFiles?: number
  disk?: number
  output?: number
  io?: number
  env?: Record<string, string>
  secret?: Record<string, string>
  workdir?: string
  queue?: string
  priority?: number
  label?: Record<string, string>
  avoid?: Record<string, string>
  jobLabel?: Record<string, string>
  placement?: Strategy
  near?: Record<string, string>
  apart?: Record<string, string>
  network?: 'none' | 'host' | 'egress'
  egress?: string[]
  executor?: ExecutorKind
  image?: string
  containerUser?: string
  containerNetwork?: string
  writableRoot?: boolean
  host?: string[]
  hostsSuccess?: HostSuccess
  hostsAtOnce?: number
  volume?: { name: string; path: string; mode: 'ro' | 'rw' }[]
  isolation?: 'full' | 'none'
  junit?: string[]
  artifact?: string[]
  helpers?: boolean
  input?: { share: string; path?: string }[]
  bind?: { path: string; mode: 'ro' | 'rw' }[]
  retries?: number
  growMemory?: number
  growMemoryTo?: number
  after?: string[]
  onDependencyFailure?: 'skip' | 'run'
  delay?: number
  stopGrace?: number
  idempotencyKey?: string
}

type Environment = Record<string, string | undefined>

/** `KEY=VALUE`, or `KEY` to take the value from our own environment. */
export function parseVariable(text: string, environment: Environment = process.env): [string, string] {
  const equals = text.indexOf('=')
  if (equals === 0 || text === '')
    throw new InvalidArgumentError('write KEY=VALUE, or KEY to take it from the environment')
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)]
  const value = environment[text]
  if (value === undefined) throw new InvalidArgumentError(`${text} is not set in the environment; write ${text}=VALUE`)
  return [text, value]
}

export function parseBind(text: string): { path: string; mode: 'ro' | 'rw' } {
  const [, path = text, mode = 'ro'] = /^(.+?):(ro|rw)$/.exec(text) ?? []
  if (path === '') throw new InvalidArgumentError('write PATH, PATH:ro or PATH:rw')
  return { path, mode: mode === 'rw' ? 'rw' : 'ro' }
}

/** `NAME:/path` or `NAME:/path:rw`. */
export function parseVolume(text: string): { name: string; path: string; mode: 'ro' | 'rw' } {
  const [, name, path, mode = 'ro'] = /^([^:]+):(\/.*?)(?::(ro|rw))?$/.exec(text) ?? []
  if (name === undefined || path === undefined) throw new InvalidArgumentError('write NAME:/PATH or NAME:/PATH:rw')
  return { name, path, mode: mode === 'rw' ? 'rw' : 'ro' }
}

/** `SHARE` or `SHARE:path/in/it`. */
export function parseInput(text: string): { share: string; path?: string } {
  const [, share = '', path] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? []
  if (share === '') throw new InvalidArgumentError('write SHARE, or SHARE:PATH for a part of it')
  return path === undefined ? { share } : { share, path }
}

function parseLabel(text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('write KEY=VALUE')
  return [text.slice(0, equals), text.slice(equals + 1)]
}

/** One value a name: the second would take the place of the first, and the job run where it must not. */
function parseNewLabel(text: string, before: Record<string, string> = {}): [string, string] {
  const [key, value] = parseLabel(text)
  const earlier = Object.hasOwn(before, key) ? before[key] : undefined
  if (earlier !== undefined && earlier !== value)
    throw new InvalidArgumentError(`${key} is given twice, as ${earlier} and ${value}; a label has one value`)
  return [key, value]
}

const collect =
  <T>(parse: (text: string) => T) =>
  (text: string, before: T[] = []): T[] => [...before, parse(text)]

// Null prototype: `-e __proto__=x` is a variable like any other, refused by the server's name rule at most.
const collectPairs =
  (parse: (text: string, before?: Record<string, string>) => [string, string]) =>
  (text: string, before: Record<string, string> = Object.create(null)): Record<string, string> => {
    const [key, value] = parse(text, before)
    return Object.assign(before, { [key]: value })
  }

export function addJobOptions(command: Command): void {
  const limits = 'Limits (within the administrator’s maximum; one that cannot be held refuses the job):'
  const when = 'When and where:'
  const place = 'Elsewhere than in a sandbox of the runner:'
  const beside = 'Placement (beside what other runners and jobs are there):'
  const add = (flags: string, meaning: string, shape: (option: Option) => Option, group?: string): void => {
    const option = shape(new Option(flags, meaning))
    command.addOption(group === undefined ? option : option.helpGroup(group))
  }
  const parsed =
    (parse: (text: string, before: never) => unknown) =>
    (option: Option): Option =>
      option.argParser(parse as (text: string, before: unknown) => unknown)

  add('-n, --name <name>', 'shown in lists (default: the command line)', (o) => o)
  add(
    '-e, --env <KEY=VALUE>',
    'environment variable; KEY alone takes it from here',
    parsed(collectPairs((t) => parseVariable(t))),
  )
  add(
    '--secret <KEY=VALUE>',
    'the same, sealed at rest and masked in the log',
    parsed(collectPairs((t) => parseVariable(t))),
  )
  add('-w, --workdir <dir>', 'an allowed directory, read-write (default: a private one)', (o) => o)
  add('--bind <path[:rw]>', 'show an allowed path of the host in the sandbox', parsed(collect(parseBind)))
  add('--input <share[:path]>', 'a declared shared directory, read-only at /inputs/SHARE', parsed(collect(parseInput)))
  add('--junit <path>', 'JUnit XML that it writes, e.g. reports/*.xml', parsed(collect((t) => t)))
  add('--artifact <path>', 'a file or directory to keep, e.g. dist/*.tar.gz', parsed(collect((t) => t)))
  add('--helpers', 'variables, progress and messages at hand, also without network', (o) => o)
  add('--network <kind>', 'none (default), host or egress', (o) => o.choices(['none', 'host', 'egress']))
  add('--egress <host[:port]>', 'only there, e.g. api.example.com; implies --network egress', parsed(collect((t) => t)))
  add('--isolation <kind>', 'full (default) or none, where allowed', (o) => o.choices(['full', 'none']))

  add('--executor <kind>', executorKinds.join(', '), (o) => o.choices([...executorKinds]), place)
  add('--image <name>', 'in a container of this image; see runyard image ls', (o) => o, place)
  add(
    '--host <name>',
    'over SSH on this host, or on all with label:KEY=VALUE; see runyard host ls',
    parsed(collect((t) => t)),
    place,
  )
  add('--hosts-success <how>', 'of several hosts: all (default) or any', (o) => o.choices([...hostSuccess]), place)
  add(
    '--hosts-at-once <n>',
    'hosts at the same time (default: all)',
    parsed(parseWithin(1, hostLimits.hostsOfJob)),
    place,
  )
  add('--container-user <uid[:gid]>', 'in the container (default: 65534:65534)', (o) => o, place)
  add('--container-network <name>', 'an allowed network of the engine', (o) => o, place)
  add('--writable-root', 'the files of the image can be written to', (o) => o, place)
  add('--volume <name:path[:rw]>', 'an allowed volume of the engine', parsed(collect(parseVolume)), place)

  add('--timeout <time>', 'wall time of an attempt, e.g. 3s, 5m, 1h', parsed(parseTimeLimit), limits)
  add('--cpu <cores>', 'e.g. 0.5', parsed(parseNumber), limits)
  add('--memory <size>', 'e.g. 64m', parsed(parseSize), limits)
  add('--pids <n>', 'processes and threads', parsed(parseWhole), limits)
  add('--open-files <n>', 'open files of each process', parsed(parseWhole), limits)
  add('--disk <size>', 'private work directory and /tmp', parsed(parseSize), limits)
  add('--output <size>', 'output that is kept', parsed(parseSize), limits)
  add('--io <size>', 'disk bytes per second', parsed(parseSize), limits)
  add('--stop-grace <time>', 'between SIGTERM and SIGKILL (default: 5s)', parsed(parseDuration), limits)

  add('--queue <name>', 'waiting line', (o) => o, when)
  add('--priority <0-10>', 'higher first (default: 5)', parsed(parseWithin(0, 10)), when)
  add('--label <k=v>', 'the runner must carry this label', parsed(collectPairs(parseNewLabel)), when)
  add('--avoid <k=v>', 'the runner must not carry this label', parsed(collectPairs(parseNewLabel)), when)
  add('--retries <n>', 'further attempts after a failure', parsed(parseWithin(0, specLimits.maxAttempts - 1)), when)
  add('--grow-memory <n>', 'n times as much for the attempt after one killed for memory', parsed(parseNumber), when)
  add('--grow-memory-to <size>', 'not beyond this (default: the maximum)', parsed(parseSize), when)
  add('--after <id>', 'wait for this job to end', parsed(collect((t) => t)), when)
  add('--on-dependency-failure <what>', 'skip (default) or run', (o) => o.choices(['skip', 'run']), when)
  add('--delay <time>', 'wait at least so long', parsed(parseDuration), when)
  add('--idempotency-key <key>', 'the same key gives the same job for 24 hours', (o) => o, when)

  const labels = parsed(collectPairs(parseNewLabel))
  add('--job-label <k=v>', 'a label of the job itself, for ls --label and the two below', labels, beside)
  add('--near <k=v>', 'only where a job of yours with this label runs', labels, beside)
  add('--apart <k=v>', 'never where a job of yours with this label runs', labels, beside)
  add('--placement <way>', 'spread or pack (default: the server’s)', (o) => o.choices([...strategies]), beside)
}

/** Without what was not given: the server's defaults stay the server's. */
const given = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T

/** Our current directory means nothing on another machine. */
export function refuseRelativePaths({ workdir, bind = [] }: JobOptions): void {
  const problems = [
    ...(workdir === undefined ? [] : [{ field: 'working_dir', path: workdir }]),
    ...bind.map(({ path }) => ({ field: 'binds', path })),
  ].filter(({ path }) => !isAbsolute(path))
  if (problems.length === 0) return
  const message = 'must be an absolute path: the server is another machine'
  throw new AppError('invalid_argument', message, { fields: problems.map(({ field }) => ({ field, message })) })
}

/** An image means a container, unless a cluster takes images too; a host means SSH. */
function placeOf(options: JobOptions) {
  const { host: hosts, hostsSuccess: hosts_success, hostsAtOnce: hosts_at_once } = options
  const onHosts = given({ hosts, hosts_success, hosts_at_once })
  const executor = options.executor ?? (hosts && 'ssh')
  return { ...containerOf({ ...options, executor }), ...onHosts }
}

function containerOf({ executor, image, containerUser, containerNetwork, writableRoot, volume }: JobOptions) {
  const container = given({
    image,
    user: containerUser,
    network: containerNetwork,
    read_only_root: writableRoot && false,
    volumes: volume,
  })
  if (Object.keys(container).length === 0) return { executor }
  return { executor: executor ?? 'container', container }
}

export function specOf(command: string[], options: JobOptions): JobSpecInput {
  const limits = given({
    cpu: options.cpu,
    memory_bytes: options.memory,
    pids: options.pids,
    open_files: options.openFiles,
    disk_bytes: options.disk,
    output_bytes: options.output,
    io_bytes_per_second: options.io,
  })
  const growth = given({ memory_factor: options.growMemory, memory_max_bytes: options.growMemoryTo })
  const placement = given({
    strategy: options.placement,
    avoid_labels: options.avoid,
    affinity: options.near && { labels: options.near },
    anti_affinity: options.apart && { labels: options.apart },
  })
  return given({
    name: options.name,
    command,
    working_dir: options.workdir === undefined ? undefined : resolve(options.workdir),
    env: options.env,
    secret_env: options.secret,
    queue: options.queue,
    priority: options.priority,
    required_labels: options.label,
    labels: options.jobLabel,
    placement: Object.keys(placement).length === 0 ? undefined : placement,
    depends_on: options.after,
    on_dependency_failure: options.onDependencyFailure,
    delay_seconds: options.delay,
    max_attempts: options.retries === undefined ? undefined : options.retries + 1,
    retry: Object.keys(growth).length === 0 ? undefined : growth,
    timeout_seconds: options.timeout,
    stop_grace_seconds: options.stopGrace,
    isolation: options.isolation,
    network: options.network ?? (options.egress && 'egress'),
    egress: options.egress,
    ...placeOf(options),
    junit: options.junit,
    artifacts: options.artifact,
    helpers: options.helpers,
    inputs: options.input,
    binds: options.bind?.map(({ path, mode }) => ({ path: resolve(path), mode })),
    limits: Object.keys(limits).length === 0 ? undefined : limits,
  })
}
