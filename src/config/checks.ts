/** What single settings cannot say: rules between settings, and secrets that are too weak to be reached from outside. */
import { isIP } from 'node:net'
import { posix } from 'node:path'
import { allowProblem } from '../lib/address-guard.ts'
import type { FieldProblem } from '../lib/app-error.ts'
import { parseEgressAllow } from '../lib/egress-rules.ts'
import { sharePattern } from '../lib/share-name.ts'
import type { Config } from './config.ts'
import { parseLogStore } from './log-store-url.ts'

const weakWords =
  /^(admin|administrator|password|passw0rd|secret|change-?me|default|test|runyard|dev|jwt|letmein|\d+)+[\d!]*$/i

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/** Known from examples, or so short or so even that it can be guessed. */
export const isWeak = (secret: string, length: number): boolean =>
  secret.length < length || weakWords.test(secret.replaceAll(/[-_ .]/g, '')) || new Set(secret).size < 8

export const isSealingKey = (text: string): boolean =>
  /^[A-Za-z0-9+/_-]{43}=?$/.test(text) && Buffer.from(text, 'base64').length === 32

export function checkTogether(config: Config): FieldProblem[] {
  const problems: FieldProblem[] = []
  const say = (field: string, message: string): void => void problems.push({ field, message })
  const outside = !isLoopback(config.host)

  if (config.secretKey !== undefined) {
    if (!isSealingKey(config.secretKey))
      say('RUNYARD_SECRET_KEY', 'must be 32 bytes as base64: openssl rand -base64 32')
    else if (new Set(Buffer.from(config.secretKey, 'base64')).size < 8) {
      say('RUNYARD_SECRET_KEY', 'is not random: openssl rand -base64 32')
    }
  }
  if (!config.oldSecretKeys.every(isSealingKey)) {
    say('RUNYARD_OLD_SECRET_KEYS', 'must be keys of 32 bytes as base64, comma separated')
  }
  if (outside && config.jwtSecret !== undefined && isWeak(config.jwtSecret, 32)) {
    say('RUNYARD_JWT_SECRET', `must be 32 random characters or more to listen on ${config.host}; or leave it unset`)
  }
  if (outside && config.adminPassword !== undefined && isWeak(config.adminPassword, 12)) {
    say('RUNYARD_ADMIN_PASSWORD', `must be 12 characters or more and no common word to listen on ${config.host}`)
  }
  if (config.databaseUrl !== undefined && !/^(postgres(ql)?:\/\/|socket:)/.test(config.databaseUrl)) {
    say('DATABASE_URL', 'must begin with postgresql://')
  }
  if (config.publicUrl !== undefined && !/^https?:\/\/[^\s/?#]+(\/[^\s?#]*)?$/.test(config.publicUrl)) {
    say('RUNYARD_PUBLIC_URL', 'must be an http or https address, e.g. https://runyard.example.com')
  }
  for (const entry of config.httpAllow) {
    const problem = allowProblem(entry)
    if (problem !== null) say('RUNYARD_HTTP_ALLOW', problem)
  }
  for (const entry of config.egressAllow) {
    if (parseEgressAllow(entry) === null)
      say(
        'RUNYARD_EGRESS_ALLOW',
        `"${entry}" is no destination: api.example.com, *.example.com:8443, 10.1.0.0/16:5432, **`,
      )
  }
  if (config.logStore !== undefined) {
    const place = parseLogStore(config.logStore)
    if ('problem' in place) say('RUNYARD_LOG_STORE', place.problem)
  }
  for (const [env, paths] of [
    ['ALLOWED_WORKDIRS', config.allowedWorkdirs],
    ['RUNYARD_ALLOWED_READ_ONLY_BINDS', config.allowedReadOnlyBinds],
    ['RUNYARD_ALLOWED_READ_WRITE_BINDS', config.allowedReadWriteBinds],
  ] as const) {
    for (const path of paths) {
      if (!posix.isAbsolute(path) || path.split('/').includes('..'))
        say(env, `"${path}" must be an absolute path without ..`)
    }
  }
  for (const [share, dir] of Object.entries(config.sharedInputs)) {
    if (!sharePattern.test(share)) say('RUNYARD_SHARED_INPUTS', `"${share}" is no name of a share: a-z, 0-9, . _ and -`)
    if (!posix.isAbsolute(dir) || dir === '/' || dir.split('/').includes('..'))
      say('RUNYARD_SHARED_INPUTS', `"${dir}" must be an absolute path without .., and not /`)
  }
  for (const [low, high, lowEnv, highEnv] of [
    ['defaultCpu', 'maxCpu', 'RUNYARD_DEFAULT_CPU', 'RUNYARD_MAX_CPU'],
    ['defaultMemoryBytes', 'maxMemoryBytes', 'RUNYARD_DEFAULT_MEMORY_BYTES', 'RUNYARD_MAX_MEMORY_BYTES'],
    ['defaultPids', 'maxPids', 'RUNYARD_DEFAULT_PIDS', 'RUNYARD_MAX_PIDS'],
    ['defaultOpenFiles', 'maxOpenFiles', 'RUNYARD_DEFAULT_OPEN_FILES', 'RUNYARD_MAX_OPEN_FILES'],
    ['defaultDiskBytes', 'maxDiskBytes', 'RUNYARD_DEFAULT_DISK_BYTES', 'RUNYARD_MAX_DISK_BYTES'],
    ['defaultOutputBytes', 'maxOutputBytes', 'RUNYARD_DEFAULT_OUTPUT_BYTES', 'RUNYARD_MAX_OUTPUT_BYTES'],
    ['commandTimeoutSeconds', 'maxTimeoutSeconds', 'COMMAND_TIMEOUT_SECONDS', 'RUNYARD_MAX_TIMEOUT_SECONDS'],
  ] as const) {
    if (config[low] > config[high]) say(lowEnv, `${config[low]} is more than ${highEnv} (${config[high]})`)
  }
  if (config.heartbeatSeconds * 2 > config.leaseSeconds) {
    say('RUNYARD_HEARTBEAT_SECONDS', 'must be at most half of RUNYARD_LEASE_SECONDS')
  }
  if (config.runnerUidCount < config.runnerSlots) {
    say('RUNYARD_RUNNER_UID_COUNT', 'must be at least RUNYARD_RUNNER_SLOTS: each slot has its own uid')
  }
  // `/s.PGSQL.5432` of the embedded database and the runner's own sockets must fit behind it.
  if (Buffer.byteLength(config.runDir) > 70) {
    say('RUNYARD_RUN_DIR', 'must be at most 70 bytes: a socket path holds 107')
  }
  return problems
}
