/**
 * Every setting, once: name, environment name, flag, default, bounds, meaning. `config.ts` reads it, the CLI builds its
 * flags from it, and docs/configuration.md is generated from it.
 */
import { dataDirOf, runDirOf, type Surroundings } from './places.ts'

/** What a setting's text becomes. `path` is made absolute; `bytes` takes `512M`; `labels` is `k=v,k2=v2`. */
export interface ValueTypes {
  int: number
  number: number
  bytes: number
  string: string
  path: string
  bool: boolean
  list: string[]
  labels: Record<string, string>
}
export type SettingType = keyof ValueTypes
export type SettingGroup =
  | 'server'
  | 'secrets'
  | 'jobs'
  | 'limits'
  | 'queue'
  | 'runner'
  | 'elsewhere'
  | 'http'
  | 'client'

export interface Setting {
  group: SettingGroup
  env: string
  /** Other accepted environment names. */
  alias?: string
  /** Long flag of `server`, `runner` and `up`; most settings are not worth one. */
  flag?: string
  type: SettingType
  /** Missing: the setting may be left unset. A function looks at the machine; `defaultText` says it in the docs. */
  default?: unknown
  defaultText?: string
  min?: number
  max?: number
  /** The only accepted values (of each entry, for a list). */
  oneOf?: readonly string[]
  /** Entries of a list are paths, made absolute. */
  paths?: true
  /** Never shown, only that it is set. */
  secret?: true
  meaning: string
}

const MiB = 1024 * 1024
const GiB = 1024 * MiB
const bytesMax = 2 ** 44

export const limitNames = [
  'cpu',
  'memory_bytes',
  'pids',
  'open_files',
  'output_bytes',
  'disk_bytes',
  'io_bytes_per_second',
] as const

export const settings = {
  host: {
    group: 'server',
    env: 'RUNYARD_HOST',
    flag: '--host',
    type: 'string',
    default: '127.0.0.1',
    meaning: 'Address to listen on. Anything but loopback needs strong secrets.',
  },
  port: {
    group: 'server',
    env: 'RUNYARD_PORT',
    flag: '--port',
    type: 'int',
    default: 8000,
    min: 0,
    max: 65_535,
    meaning: 'Port of REST, WebSocket and dashboard; 0 takes a free one.',
  },
  dataDir: {
    group: 'server',
    env: 'RUNYARD_DATA_DIR',
    flag: '--data-dir',
    type: 'path',
    default: (s: Surroundings) => dataDirOf(s),
    defaultText: '`/var/lib/runyard` as root, else `$XDG_DATA_HOME/runyard` or `~/.local/share/runyard`',
    meaning: 'Where everything that lasts is kept: embedded database, logs, secrets, spools.',
  },
  runDir: {
    group: 'server',
    env: 'RUNYARD_RUN_DIR',
    flag: '--run-dir',
    type: 'path',
    default: (s: Surroundings, dataDir: string) => runDirOf(s, dataDir),
    defaultText:
      '`/run/runyard/<hash>` as root, else `$XDG_RUNTIME_DIR/runyard/<hash>` or `/tmp/runyard-<uid>/<hash>`; the hash is of the data directory',
    meaning: 'Where sockets are; short, because a socket path holds 107 bytes.',
  },
  databaseUrl: {
    group: 'server',
    env: 'DATABASE_URL',
    alias: 'RUNYARD_DATABASE_URL',
    flag: '--database-url',
    type: 'string',
    secret: true,
    defaultText: 'unset: an embedded PostgreSQL in the data directory',
    meaning: 'PostgreSQL (15 or later) to use instead of the embedded one.',
  },
  databasePoolSize: {
    group: 'server',
    env: 'RUNYARD_DATABASE_POOL_SIZE',
    type: 'int',
    default: 12,
    min: 2,
    max: 500,
    meaning: 'Database connections of one server.',
  },
  grpcHost: {
    group: 'server',
    env: 'RUNYARD_GRPC_HOST',
    flag: '--grpc-host',
    type: 'string',
    default: '127.0.0.1',
    meaning: 'Address of the gRPC listener (mutual TLS): for other machines, one that they reach.',
  },
  grpcPort: {
    group: 'server',
    env: 'RUNYARD_GRPC_PORT',
    flag: '--grpc-port',
    type: 'int',
    default: 50_051,
    min: 0,
    max: 65_535,
    meaning: 'Port of gRPC; open once `runyard certs init` has made an authority. 0 takes a free one.',
  },
  grpcNames: {
    group: 'server',
    env: 'RUNYARD_GRPC_NAMES',
    flag: '--grpc-names',
    type: 'list',
    default: [] as string[],
    meaning: 'Further names and addresses in the server certificate, comma separated: those that clients dial.',
  },
  grpcAddress: {
    group: 'server',
    env: 'RUNYARD_GRPC_ADDRESS',
    flag: '--grpc-address',
    type: 'string',
    defaultText:
      '`RUNYARD_GRPC_HOST` when that is one address, else the first of `RUNYARD_GRPC_NAMES`, else the host name; and the port',
    meaning: 'Where other servers reach the gRPC listener of this one, as host:port; runner tokens name it too.',
  },
  logStore: {
    group: 'server',
    env: 'RUNYARD_LOG_STORE',
    type: 'string',
    secret: true,
    defaultText: 'unset: every server keeps the logs that it received',
    meaning:
      'Where ended logs are kept for all servers: `file:///shared/dir`, or `s3://KEY:SECRET@host:port/bucket/prefix?region=R` (`s3+http://` without TLS).',
  },
  logLevel: {
    group: 'server',
    env: 'RUNYARD_LOG_LEVEL',
    flag: '--log-level',
    type: 'string',
    default: 'info',
    oneOf: ['debug', 'info', 'warn', 'error', 'silent'],
    meaning: 'Least level of the log lines on stderr.',
  },

  jwtSecret: {
    group: 'secrets',
    env: 'RUNYARD_JWT_SECRET',
    type: 'string',
    secret: true,
    defaultText: 'made at first start and kept in `<data dir>/secrets/`',
    meaning: 'Signs access tokens; 32 characters or more.',
  },
  secretKey: {
    group: 'secrets',
    env: 'RUNYARD_SECRET_KEY',
    type: 'string',
    secret: true,
    defaultText: 'made at first start and kept in `<data dir>/secrets/`',
    meaning: 'Seals stored secrets; 32 bytes as base64 (`openssl rand -base64 32`).',
  },
  oldSecretKeys: {
    group: 'secrets',
    env: 'RUNYARD_OLD_SECRET_KEYS',
    type: 'list',
    default: [] as string[],
    secret: true,
    meaning: 'Further keys that open what is stored, comma separated: while RUNYARD_SECRET_KEY is changed.',
  },
  adminUsername: {
    group: 'secrets',
    env: 'RUNYARD_ADMIN_USERNAME',
    type: 'string',
    default: 'admin',
    meaning: 'Name of the first administrator, created when there is no user yet.',
  },
  adminPassword: {
    group: 'secrets',
    env: 'RUNYARD_ADMIN_PASSWORD',
    type: 'string',
    secret: true,
    defaultText: 'made at first start and printed once',
    meaning: 'Password of the first administrator.',
  },
  tokenTtlSeconds: {
    group: 'secrets',
    env: 'RUNYARD_TOKEN_TTL_SECONDS',
    type: 'int',
    default: 12 * 3600,
    min: 60,
    max: 30 * 86_400,
    meaning: 'How long an access token or a session lives.',
  },

  commandTimeoutSeconds: {
    group: 'jobs',
    env: 'COMMAND_TIMEOUT_SECONDS',
    alias: 'RUNYARD_COMMAND_TIMEOUT_SECONDS',
    type: 'number',
    default: 3600,
    min: 0.1,
    max: 30 * 86_400,
    meaning: 'Wall time of an attempt when the job names none.',
  },
  maxTimeoutSeconds: {
    group: 'jobs',
    env: 'RUNYARD_MAX_TIMEOUT_SECONDS',
    type: 'number',
    default: 30 * 86_400,
    min: 0.1,
    max: 30 * 86_400,
    meaning: 'The longest wall time that a job may ask for.',
  },
  defaultWorkingDir: {
    group: 'jobs',
    env: 'DEFAULT_WORKING_DIR',
    alias: 'RUNYARD_DEFAULT_WORKING_DIR',
    type: 'path',
    defaultText: 'unset: a private, empty directory for each attempt',
    meaning: 'Working directory of jobs that name none; must be under an allowed one.',
  },
  allowedWorkdirs: {
    group: 'jobs',
    env: 'ALLOWED_WORKDIRS',
    alias: 'RUNYARD_ALLOWED_WORKDIRS',
    type: 'list',
    default: [] as string[],
    meaning: 'Directories below which a job may name its `working_dir`, comma separated.',
  },
  allowedReadOnlyBinds: {
    group: 'jobs',
    env: 'RUNYARD_ALLOWED_READ_ONLY_BINDS',
    type: 'list',
    default: [] as string[],
    meaning: 'Paths below which a job may see more of the host, read-only.',
  },
  allowedReadWriteBinds: {
    group: 'jobs',
    env: 'RUNYARD_ALLOWED_READ_WRITE_BINDS',
    type: 'list',
    default: [] as string[],
    meaning: 'Paths below which a job may write to the host.',
  },
  sharedInputs: {
    group: 'jobs',
    env: 'RUNYARD_SHARED_INPUTS',
    type: 'labels',
    default: {} as Record<string, string>,
    meaning:
      'Shared directories that jobs may name as inputs, as `fixtures=/mnt/fixtures,models=/srv/models`. A server knows ' +
      'the names, each runner its own places.',
  },
  allowIsolationNone: {
    group: 'jobs',
    env: 'RUNYARD_ALLOW_ISOLATION_NONE',
    type: 'bool',
    default: false,
    meaning: 'Whether a job may ask to run without isolation.',
  },
  allowNetworkHost: {
    group: 'jobs',
    env: 'RUNYARD_ALLOW_NETWORK_HOST',
    type: 'bool',
    default: false,
    meaning: "Whether a job may ask for the host's network.",
  },

  pipelines: {
    group: 'jobs',
    env: 'RUNYARD_PIPELINES',
    flag: '--pipelines',
    type: 'list',
    paths: true,
    default: [] as string[],
    meaning:
      'Project directories whose `pipelines.yml` files are loaded, comma separated; their tasks may write there and use the network of the host.',
  },
  httpAllow: {
    group: 'jobs',
    env: 'RUNYARD_HTTP_ALLOW',
    type: 'list',
    default: [] as string[],
    meaning:
      'Where HTTP jobs may go besides the public internet, comma separated: addresses, networks and host names, each with a port or without, e.g. 10.1.0.0/16, *.corp.example:8443.',
  },
  pipelinesEnvFiles: {
    group: 'jobs',
    env: 'RUNYARD_PIPELINES_ENV_FILES',
    type: 'list',
    default: ['.env', '.env.local'] as string[],
    meaning:
      'Files of a project directory whose variables its tasks begin with, comma separated; later ones over earlier ones.',
  },
  pipelinesStrict: {
    group: 'jobs',
    env: 'RUNYARD_PIPELINES_STRICT',
    type: 'bool',
    default: false,
    meaning: 'Whether an unknown key of a `pipelines.yml` is an error instead of a warning.',
  },
  toolchains: {
    group: 'jobs',
    env: 'RUNYARD_TOOLCHAINS',
    type: 'list',
    paths: true,
    default: [] as string[],
    meaning:
      'Directories of tools, comma separated, that tasks of `RUNYARD_PIPELINES` see read-only and have first in PATH.',
  },

  defaultCpu: {
    group: 'limits',
    env: 'RUNYARD_DEFAULT_CPU',
    type: 'number',
    default: 1,
    min: 0.01,
    max: 1024,
    meaning: 'Cores of a job that names none.',
  },
  maxCpu: {
    group: 'limits',
    env: 'RUNYARD_MAX_CPU',
    type: 'number',
    default: (s: Surroundings) => s.cores,
    defaultText: "this host's cores",
    min: 0.01,
    max: 1024,
    meaning: 'Most cores that a job may ask for.',
  },
  defaultMemoryBytes: {
    group: 'limits',
    env: 'RUNYARD_DEFAULT_MEMORY_BYTES',
    type: 'bytes',
    default: 512 * MiB,
    min: 4 * MiB,
    max: bytesMax,
    meaning: 'Memory of a job that names none.',
  },
  maxMemoryBytes: {
    group: 'limits',
    env: 'RUNYARD_MAX_MEMORY_BYTES',
    type: 'bytes',
    default: (s: Surroundings) => Math.max(s.memoryMib, 512) * MiB,
    defaultText: "this host's memory",
    min: 4 * MiB,
    max: bytesMax,
    meaning: 'Most memory that a job may ask for.',
  },
  artifactBytes: {
    group: 'limits',
    env: 'RUNYARD_ARTIFACT_BYTES',
    type: 'bytes',
    default: 1024 * MiB,
    min: 0,
    max: bytesMax,
    meaning: 'Most bytes of all artefacts of a job together; what does not fit is left out, and the job says so.',
  },
  artifactFiles: {
    group: 'limits',
    env: 'RUNYARD_ARTIFACT_FILES',
    type: 'int',
    default: 1000,
    min: 0,
    max: 10_000,
    meaning: 'Most artefacts of a job.',
  },
  defaultPids: {
    group: 'limits',
    env: 'RUNYARD_DEFAULT_PIDS',
    type: 'int',
    default: 256,
    min: 1,
    max: 1_000_000,
    meaning: 'Processes and threads of a job that names none.',
  },
  maxPids: {
    group: 'limits',
    env: 'RUNYARD_MAX_PIDS',
    type: 'int',
    default: 32_768,
    min: 1,
    max: 1_000_000,
    meaning: 'Most processes and threads that a job may ask for.',
  },
  defaultOpenFiles: {
    group: 'limits',
    env: 'RUNYARD_DEFAULT_OPEN_FILES',
    type: 'int',
    default: 1024,
    min: 16,
    max: 1_048_576,
    meaning: 'Open files per process of a job that names none.',
  },
  maxOpenFiles: {
    group: 'limits',
    env: 'RUNYARD_MAX_OPEN_FILES',
    type: 'int',
    default: 65_536,
    min: 16,
    max: 1_048_576,
    meaning: 'Most open files per process that a job may ask for.',
  },
  defaultDiskBytes: {
    group: 'limits',
    env: 'RUNYARD_DEFAULT_DISK_BYTES',
    type: 'bytes',
    default: 256 * MiB,
    min: 64 * 1024,
    max: bytesMax,
    meaning: 'Size of the private work directory, and of /tmp, of a job that names none.',
  },
  maxDiskBytes: {
    group: 'limits',
    env: 'RUNYARD_MAX_DISK_BYTES',
    type: 'bytes',
    default: 16 * GiB,
    min: 64 * 1024,
    max: bytesMax,
    meaning: 'Most private disk that a job may ask for; it is a tmpfs, hence memory.',
  },
  defaultOutputBytes: {
    group: 'limits',
    env: 'RUNYARD_DEFAULT_OUTPUT_BYTES',
    type: 'bytes',
    default: 100 * MiB,
    min: 0,
    max: bytesMax,
    meaning: 'Output that is kept of a job that names no cap.',
  },
  maxOutputBytes: {
    group: 'limits',
    env: 'RUNYARD_MAX_OUTPUT_BYTES',
    type: 'bytes',
    default: 16 * GiB,
    min: 0,
    max: bytesMax,
    meaning: 'Most output that a job may ask to keep.',
  },
  defaultIoBytesPerSecond: {
    group: 'limits',
    env: 'RUNYARD_DEFAULT_IO_BYTES_PER_SECOND',
    type: 'bytes',
    defaultText: 'unset: no limit',
    min: 64 * 1024,
    max: 2 ** 40,
    meaning: 'Disk bytes per second of a job that names none.',
  },
  maxIoBytesPerSecond: {
    group: 'limits',
    env: 'RUNYARD_MAX_IO_BYTES_PER_SECOND',
    type: 'bytes',
    defaultText: 'unset: no maximum',
    min: 64 * 1024,
    max: 2 ** 40,
    meaning: 'Most disk bytes per second that a job may ask for.',
  },
  enforceLimits: {
    group: 'limits',
    env: 'RUNYARD_ENFORCE_LIMITS',
    type: 'list',
    default: [] as string[],
    oneOf: limitNames,
    meaning: 'Limits that a runner must be able to hold; a job is refused where one of them is not.',
  },

  heartbeatSeconds: {
    group: 'queue',
    env: 'RUNYARD_HEARTBEAT_SECONDS',
    type: 'number',
    default: 10,
    min: 0.1,
    max: 60,
    meaning: 'Pause between two heartbeats of a runner.',
  },
  leaseSeconds: {
    group: 'queue',
    env: 'RUNYARD_LEASE_SECONDS',
    type: 'number',
    default: 30,
    min: 0.5,
    max: 600,
    meaning: 'How long a claim holds without a heartbeat; then the job is `unknown`.',
  },
  graceSeconds: {
    group: 'queue',
    env: 'RUNYARD_GRACE_SECONDS',
    type: 'number',
    default: 30,
    min: 0.5,
    max: 600,
    meaning: 'How long an `unknown` job is left to its runner before it is given to another.',
  },
  placement: {
    group: 'queue',
    env: 'RUNYARD_PLACEMENT',
    type: 'string',
    default: 'spread',
    oneOf: ['spread', 'pack'],
    meaning:
      'Where a job goes that does not say so itself: `spread`, to the runner that has the most left, or `pack`, to the one that has the least.',
  },
  retainDays: {
    group: 'queue',
    env: 'RUNYARD_RETAIN_DAYS',
    type: 'number',
    default: 30,
    min: 0,
    max: 36_500,
    meaning:
      'Ended jobs older than this are removed, with their logs; 0 keeps them whatever their age. A queue may have its own: `runyard queue set --retain-days`.',
  },
  retainCount: {
    group: 'queue',
    env: 'RUNYARD_RETAIN_COUNT',
    type: 'int',
    default: 100_000,
    min: 0,
    max: 1_000_000_000,
    meaning:
      'Ended jobs that are kept of each queue, the newest; 0 keeps all. A queue may have its own: `runyard queue set --retain-count`.',
  },
  retainUserCount: {
    group: 'queue',
    env: 'RUNYARD_RETAIN_USER_COUNT',
    type: 'int',
    default: 0,
    min: 0,
    max: 1_000_000_000,
    meaning: 'Ended jobs that are kept of each user, the newest, over all queues; 0 keeps all.',
  },
  retainUserBytes: {
    group: 'queue',
    env: 'RUNYARD_RETAIN_USER_BYTES',
    type: 'bytes',
    default: 10 * GiB,
    min: 0,
    max: bytesMax,
    meaning:
      'Bytes of logs that are kept of each user, before compression: the oldest ended jobs go until the rest fits, the newest one always stays; 0 keeps all.',
  },
  retainRunnerDays: {
    group: 'queue',
    env: 'RUNYARD_RETAIN_RUNNER_DAYS',
    type: 'number',
    default: 30,
    min: 0,
    max: 36_500,
    meaning: 'Runners that nobody heard of for so long are forgotten, unless a kept job ran there; 0 keeps them.',
  },
  defaultUserMaxRunning: {
    group: 'queue',
    env: 'RUNYARD_DEFAULT_USER_MAX_RUNNING',
    type: 'int',
    default: 100,
    min: 0,
    max: 1_000_000,
    meaning: 'Running jobs that a new user may have at once.',
  },

  runnerName: {
    group: 'runner',
    env: 'RUNYARD_RUNNER_NAME',
    flag: '--name',
    type: 'string',
    default: (s: Surroundings) => s.hostname,
    defaultText: "this host's name",
    meaning: 'Name of the runner; one runner per name.',
  },
  runnerSlots: {
    group: 'runner',
    env: 'RUNYARD_RUNNER_SLOTS',
    flag: '--slots',
    type: 'int',
    default: (s: Surroundings) => Math.max(2, s.cores),
    defaultText: 'the number of cores, at least 2',
    min: 1,
    max: 10_000,
    meaning: 'Jobs that the runner executes at once.',
  },
  runnerLabels: {
    group: 'runner',
    env: 'RUNYARD_RUNNER_LABELS',
    flag: '--labels',
    type: 'labels',
    default: {} as Record<string, string>,
    meaning: 'Labels that jobs may require, as `gpu=a100,zone=b`.',
  },
  runnerCpuMillis: {
    group: 'runner',
    env: 'RUNYARD_RUNNER_CPU_MILLIS',
    type: 'int',
    default: (s: Surroundings) => s.cores * 1000,
    defaultText: "this host's cores",
    min: 10,
    max: 10_000_000,
    meaning: 'Thousandths of a core that the runner may give to jobs that ask for them.',
  },
  runnerMemoryMib: {
    group: 'runner',
    env: 'RUNYARD_RUNNER_MEMORY_MIB',
    type: 'int',
    default: (s: Surroundings) => s.memoryMib,
    defaultText: "this host's memory",
    min: 4,
    max: 100_000_000,
    meaning: 'MiB of memory that the runner may give to jobs that ask for it.',
  },
  runnerUidBase: {
    group: 'runner',
    env: 'RUNYARD_RUNNER_UID_BASE',
    type: 'int',
    default: 190_000,
    min: 1000,
    max: 2_000_000_000,
    meaning: 'First uid of the range that attempts run as when the runner is root.',
  },
  runnerUidCount: {
    group: 'runner',
    env: 'RUNYARD_RUNNER_UID_COUNT',
    type: 'int',
    default: 1024,
    min: 1,
    max: 100_000,
    meaning: 'Length of that range; at least the number of slots.',
  },
  drainSeconds: {
    group: 'runner',
    env: 'RUNYARD_DRAIN_SECONDS',
    type: 'number',
    default: 25,
    min: 0,
    max: 86_400,
    meaning: 'How long a stopping runner lets its jobs finish before it hands them back.',
  },

  bodyLimitBytes: {
    group: 'http',
    env: 'RUNYARD_BODY_LIMIT_BYTES',
    type: 'bytes',
    default: 16 * MiB,
    min: 1024,
    max: GiB,
    meaning: 'Largest request body.',
  },
  publicUrl: {
    group: 'http',
    env: 'RUNYARD_PUBLIC_URL',
    type: 'string',
    defaultText: 'unset: messages have no links',
    meaning: 'Where people reach the dashboard, e.g. `https://runyard.example.com`; for links in messages.',
  },
  corsOrigins: {
    group: 'http',
    env: 'RUNYARD_CORS_ORIGINS',
    type: 'list',
    default: [] as string[],
    meaning: 'Other origins whose pages may call the API, comma separated.',
  },
  runsAtInterrupt: {
    group: 'server',
    env: 'RUNYARD_RUNS_AT_SIGINT',
    type: 'string',
    default: 'leave',
    oneOf: ['leave', 'wait', 'cancel'],
    meaning:
      'What Ctrl-C (SIGINT) means for runs of pipelines: `leave` them to the next start, which goes on with them (a task in its middle has the drain time); `wait` until they have ended (those on the waiting list are cancelled); `cancel` them. For the only server of an installation.',
  },
  runsAtTerminate: {
    group: 'server',
    env: 'RUNYARD_RUNS_AT_SIGTERM',
    type: 'string',
    default: 'leave',
    oneOf: ['leave', 'wait', 'cancel'],
    meaning: 'The same for SIGTERM. prunner waits at SIGINT and cancels at SIGTERM.',
  },
  prunnerAddress: {
    group: 'server',
    env: 'RUNYARD_PRUNNER_ADDRESS',
    flag: '--prunner-address',
    type: 'string',
    defaultText: 'unset: off',
    meaning:
      'Where prunner’s routes listen, as host:port, e.g. `127.0.0.1:9009`: for prunner-ui and applications that embed prunner.',
  },
  prunnerConfig: {
    group: 'http',
    env: 'RUNYARD_PRUNNER_CONFIG',
    type: 'string',
    defaultText: '`.prunner.yml` in the data directory, made at first start',
    meaning: 'File with `jwt_secret`, which applications sign their tokens for that listener with.',
  },
  prunnerJwtSecret: {
    group: 'secrets',
    env: 'RUNYARD_PRUNNER_JWT_SECRET',
    type: 'string',
    secret: true,
    defaultText: 'unset: of `RUNYARD_PRUNNER_CONFIG`',
    meaning: 'That secret itself; 16 characters or more.',
  },
  prunnerRole: {
    group: 'http',
    env: 'RUNYARD_PRUNNER_ROLE',
    type: 'string',
    default: 'operator',
    oneOf: ['admin', 'operator', 'viewer'],
    meaning:
      'What those applications may do, with pipelines only: `operator` sees and stops their own runs, `admin` everybody’s, `viewer` reads.',
  },
  prunnerStrictJwt: {
    group: 'server',
    env: 'RUNYARD_PRUNNER_STRICT_JWT',
    flag: '--strict-jwt',
    type: 'bool',
    default: false,
    meaning: 'Whether their tokens must expire; else one without `exp` is accepted with a warning.',
  },
  prunnerCorsOrigins: {
    group: 'http',
    env: 'RUNYARD_PRUNNER_CORS_ORIGINS',
    type: 'list',
    default: [] as string[],
    meaning: 'Origins whose pages (prunner-ui) may call that listener, comma separated.',
  },
  requestsPerMinute: {
    group: 'http',
    env: 'RUNYARD_REQUESTS_PER_MINUTE',
    type: 'int',
    default: 12_000,
    min: 0,
    max: 100_000_000,
    meaning:
      'Requests that one account may make in a minute of one server, from other machines than its own; 0 is no limit. Logs and the WebSocket do not count.',
  },
  eventRunsPerMinute: {
    group: 'http',
    env: 'RUNYARD_EVENT_RUNS_PER_MINUTE',
    type: 'int',
    default: 120,
    min: 0,
    max: 1_000_000,
    meaning:
      'Runs of events that one account may begin by hand or over the API in a minute of one server; 0 is no limit. Schedules, webhooks and actions do not count.',
  },
  metricsPort: {
    group: 'http',
    env: 'RUNYARD_METRICS_PORT',
    type: 'int',
    min: 1,
    max: 65_535,
    defaultText: 'unset: `/metrics` only on the HTTP port, with a token',
    meaning: 'Port on 127.0.0.1 with `/metrics` for whoever is on this machine, without a token.',
  },
  otlpEndpoint: {
    group: 'http',
    env: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    type: 'string',
    defaultText: 'unset: no traces',
    meaning: 'OpenTelemetry collector (OTLP over HTTP) that gets a trace of each job, e.g. `http://127.0.0.1:4318`.',
  },
  otlpHeaders: {
    group: 'http',
    env: 'OTEL_EXPORTER_OTLP_HEADERS',
    type: 'string',
    secret: true,
    defaultText: 'unset: none',
    meaning: 'Headers for that collector, `name=value,name2=value2`.',
  },
  trustProxy: {
    group: 'http',
    env: 'RUNYARD_TRUST_PROXY',
    type: 'bool',
    default: false,
    meaning: 'Whether `X-Forwarded-*` of the peer is believed; only behind a proxy of yours.',
  },

  eventExecutor: {
    group: 'elsewhere',
    env: 'RUNYARD_EVENT_EXECUTOR',
    type: 'string',
    default: 'auto',
    oneOf: ['auto', 'sandbox', 'container'],
    meaning:
      'Where scripts of events run that name no executor. `auto`: in a container where a runner has an engine and the language has an image, else in a sandbox.',
  },
  containerEngine: {
    group: 'elsewhere',
    env: 'RUNYARD_CONTAINER_ENGINE',
    type: 'string',
    default: 'auto',
    meaning:
      'Socket of the Docker-compatible engine of the runner, as `/run/podman/podman.sock`. `auto`: the first usual one that answers; `off`: none.',
  },
  containerImages: {
    group: 'elsewhere',
    env: 'RUNYARD_CONTAINER_IMAGES',
    type: 'list',
    default: [] as string[],
    meaning:
      'References that jobs and the image catalogue may use, `*` for any part but `/`, `**` for any: `docker.io/library/*`. Asked at submit and again by the runner. Empty: of the catalogue only, which an administrator keeps.',
  },
  containerNetworks: {
    group: 'elsewhere',
    env: 'RUNYARD_CONTAINER_NETWORKS',
    type: 'list',
    default: [] as string[],
    meaning: "Networks of the engine that jobs may name in `container.network`, `bridge` among them. Never the host's.",
  },
  containerVolumes: {
    group: 'elsewhere',
    env: 'RUNYARD_CONTAINER_VOLUMES',
    type: 'list',
    default: [] as string[],
    meaning: 'Named volumes that jobs may mount, as `cache` (read-only) or `cache:rw`.',
  },
  containerUlimits: {
    group: 'elsewhere',
    env: 'RUNYARD_CONTAINER_ULIMITS',
    type: 'labels',
    default: {} as Record<string, string>,
    meaning:
      "Ulimits that every container gets, as `nofile=1024,nproc=1024`. An engine on a restricted host starts none without; a job's own limits are never raised by it.",
  },
  containerWarm: {
    group: 'elsewhere',
    env: 'RUNYARD_CONTAINER_WARM',
    type: 'int',
    default: 8,
    min: 0,
    max: 1000,
    meaning: 'Containers of all images together that a runner keeps ready at most; each image has its own numbers.',
  },
  sshExecutor: {
    group: 'elsewhere',
    env: 'RUNYARD_SSH',
    type: 'bool',
    default: true,
    meaning: 'Whether the runner takes jobs for hosts. They come over connections of its own, to pinned keys only.',
  },
  sshAgent: {
    group: 'elsewhere',
    env: 'RUNYARD_SSH_AGENT',
    type: 'path',
    defaultText: 'unset: hosts with agent authentication are refused',
    meaning: "Socket of an SSH agent on the runner's machine.",
  },
  webTerminal: {
    group: 'elsewhere',
    env: 'RUNYARD_WEB_TERMINAL',
    type: 'bool',
    default: false,
    meaning: 'Whether administrators may open a terminal on a host from the dashboard. Every session is audited.',
  },
  egressAllow: {
    group: 'elsewhere',
    env: 'RUNYARD_EGRESS_ALLOW',
    type: 'list',
    default: [] as string[],
    meaning:
      'Destinations that jobs with network `egress` may list: `api.example.com`, `*.example.com:8443`, `10.1.0.0/16:5432`; `**` for every public address, on ports 80 and 443 unless it names one. Asked at submit and again by the runner. Empty: none.',
  },
  slurm: {
    group: 'elsewhere',
    env: 'RUNYARD_SLURM',
    type: 'bool',
    default: false,
    meaning: 'Whether the runner hands jobs of the executor `slurm` to the cluster that its `sbatch` speaks to.',
  },
  slurmConf: {
    group: 'elsewhere',
    env: 'SLURM_CONF',
    type: 'path',
    defaultText: "where Slurm's programs look",
    meaning: "Slurm's own configuration file, when it is not in its usual place.",
  },
  slurmDir: {
    group: 'elsewhere',
    env: 'RUNYARD_SLURM_DIR',
    type: 'path',
    defaultText: '`slurm` in the data directory',
    meaning: 'Directory for scripts and output of Slurm jobs; the same on the runner and on all nodes.',
  },
  slurmUser: {
    group: 'elsewhere',
    env: 'RUNYARD_SLURM_USER',
    type: 'string',
    defaultText: 'the user of the runner; as root none, and jobs for Slurm are refused',
    meaning: 'User of the cluster that jobs run as when the runner is root.',
  },
  slurmPartitions: {
    group: 'elsewhere',
    env: 'RUNYARD_SLURM_PARTITIONS',
    type: 'list',
    default: [] as string[],
    meaning: 'Partitions that jobs may name. Empty: those that Slurm itself lets the user of the runner use.',
  },
  kubernetesConfig: {
    group: 'elsewhere',
    env: 'RUNYARD_KUBERNETES_CONFIG',
    type: 'string',
    defaultText: 'unset: no jobs for Kubernetes',
    meaning: 'Kubeconfig file of the cluster for jobs of the executor `kubernetes`, or `in-cluster`.',
  },
  kubernetesNamespaces: {
    group: 'elsewhere',
    env: 'RUNYARD_KUBERNETES_NAMESPACES',
    type: 'list',
    default: ['default'] as string[],
    meaning: 'Namespaces that jobs may use; the first is the one of those that name none.',
  },
  runnerLoad: {
    group: 'elsewhere',
    env: 'RUNYARD_RUNNER_LOAD',
    type: 'string',
    default: 'fixed',
    oneOf: ['fixed', 'follow'],
    meaning:
      'With `follow` the runner takes fewer jobs while its host is short of CPU or memory because of other work, and all again when that is over.',
  },

  server: {
    group: 'client',
    env: 'RUNYARD_SERVER',
    flag: '--server',
    type: 'string',
    defaultText: 'the server of the data directory',
    meaning: 'Address of the server that the command line talks to.',
  },
  token: {
    group: 'client',
    env: 'RUNYARD_TOKEN',
    type: 'string',
    secret: true,
    defaultText: "the saved login, or the data directory's own credential",
    meaning: 'API token of the command line.',
  },
  cert: {
    group: 'client',
    env: 'RUNYARD_CERT',
    flag: '--cert',
    type: 'path',
    defaultText: 'the saved login',
    meaning: 'Client certificate (PEM): the command line, or the runner, speaks gRPC with mutual TLS.',
  },
  key: {
    group: 'client',
    env: 'RUNYARD_KEY',
    flag: '--key',
    type: 'path',
    defaultText: 'beside the certificate, ending in `.key`',
    meaning: 'Private key of the client certificate (PEM), readable by its owner only.',
  },
  ca: {
    group: 'client',
    env: 'RUNYARD_CA',
    flag: '--ca',
    type: 'path',
    defaultText: '`ca.crt` beside the certificate',
    meaning: 'The authority that server certificates must come from (PEM).',
  },
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settings
export const settingNames = Object.keys(settings) as SettingName[]
