/** Reads every setting from flags, environment and env file, and names all mistakes at once. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { AppError, type FieldProblem } from '../lib/app-error.ts'
import { checkTogether } from './checks.ts'
import { nearest } from './nearest.ts'
import { parseSetting } from './parse.ts'
import { thisMachine, type Surroundings } from './places.ts'
import { settingNames, settings, type Setting, type SettingName, type ValueTypes } from './settings.ts'

type ValueOf<S extends Setting> = S extends { default: unknown }
  ? ValueTypes[S['type']]
  : ValueTypes[S['type']] | undefined
export type Config = { -readonly [K in SettingName]: ValueOf<(typeof settings)[K]> }

export type Source = 'default' | 'env file' | 'environment' | 'flag'
type Env = Record<string, string | undefined>
export type ArgvFlags = { [K in SettingName]?: unknown }

export interface LoadOptions {
  /** By setting name; the CLI's option names are the same words. `undefined` means not given. */
  argvFlags?: ArgvFlags
  env?: Env
  /** `--settings FILE`; without it `<data dir>/runyard.env` is read when it exists. */
  envFile?: string
  surroundings?: Surroundings
}

const sources = Symbol('sources')
type Sourced = Config & { [sources]?: Partial<Record<SettingName, Source>> }

const spec = (name: SettingName): Setting => settings[name]
const namesOf = (name: SettingName): string[] => [spec(name).env, ...(spec(name).alias ? [spec(name).alias!] : [])]
const knownNames = new Set(settingNames.flatMap(namesOf))
/** Set by us inside jobs and test runs; not settings. */
const otherNames = /^RUNYARD_(TEST|JOB|ATTEMPT|BENCH)(_|$)/

const asText = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value))

function readEnvFile(file: string, mustExist: boolean): Env {
  try {
    return parseEnv(readFileSync(file, 'utf8'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && !mustExist) return {}
    throw new AppError('invalid_argument', `cannot read the settings file ${file} (--settings): ${message}`)
  }
}

function unknownNames(env: Env, where: string, all: boolean): FieldProblem[] {
  return Object.keys(env)
    .filter((name) => !knownNames.has(name) && (all || name.startsWith('RUNYARD_')) && !otherNames.test(name))
    .map((name) => {
      const near = nearest(name, knownNames)
      return { field: name, message: `is no setting (${where})${near ? `; did you mean ${near}?` : ''}` }
    })
}

export function loadConfig(options: LoadOptions = {}): Config {
  const env = options.env ?? process.env
  const flags = options.argvFlags ?? {}
  const surroundings = options.surroundings ?? thisMachine(env)
  const problems: FieldProblem[] = unknownNames(env, 'environment', false)
  const values: Record<string, unknown> = {}
  const from: Partial<Record<SettingName, Source>> = {}
  let file: Env = {}

  const take = (name: SettingName, text: string, source: Source, field: string): void => {
    const parsed = parseSetting(spec(name), text)
    if ('problem' in parsed) problems.push({ field, message: `${parsed.problem} (${source})` })
    else values[name] = parsed.value
    from[name] = source
  }
  const read = (name: SettingName): void => {
    if (flags[name] !== undefined) return take(name, asText(flags[name]), 'flag', spec(name).flag ?? name)
    for (const [source, origin] of [
      ['environment', env],
      ['env file', file],
    ] as const) {
      for (const key of namesOf(name)) {
        const text = origin[key]
        // An empty value means "unset", as `FOO= command` does, except where it says "none".
        if (text !== undefined && (text !== '' || spec(name).type === 'list')) return take(name, text, source, key)
      }
    }
    const fallback = spec(name).default
    values[name] = typeof fallback === 'function' ? fallback(surroundings, values.dataDir) : structuredClone(fallback)
    from[name] = 'default'
  }

  // The data directory is looked up first: it may hold the env file.
  if (options.envFile) file = readEnvFile(options.envFile, true)
  read('dataDir')
  const envFile = options.envFile ?? join(String(values.dataDir), 'runyard.env')
  if (!options.envFile) file = readEnvFile(envFile, false)
  problems.push(...unknownNames(file, envFile, true))
  for (const name of settingNames) if (name !== 'dataDir') read(name)

  const config = values as Sourced
  if (problems.length === 0) problems.push(...checkTogether(config))
  if (problems.length > 0) {
    const lines = problems.map(({ field, message }) => `  ${field}: ${message}`)
    throw new AppError('invalid_argument', `the configuration has mistakes:\n${lines.join('\n')}`, { fields: problems })
  }
  config[sources] = from
  return config
}

export interface EffectiveRow {
  setting: SettingName
  value: unknown
  source: Source
  env: string
  meaning: string
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/** What is in force and where it came from; a secret shows only that it is set. */
export function effectiveConfig(config: Config): EffectiveRow[] {
  const from = (config as Sourced)[sources] ?? {}
  return settingNames.map((name) => {
    const { secret, env, meaning } = spec(name)
    const value = config[name]
    return {
      setting: name,
      value: value === undefined ? null : secret && !isEmptyList(value) ? '(set)' : value,
      source: from[name] ?? 'default',
      env,
      meaning,
    }
  })
}
