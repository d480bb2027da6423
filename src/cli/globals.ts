/** Options that every command takes, before or after its name. */
import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { loadConfig, type ArgvFlags, type Config } from '../config/config.ts'
import { settings, type SettingGroup, type SettingName } from '../config/settings.ts'

export interface Globals {
  json: boolean
  verbose: boolean
  server: string | undefined
  dataDir: string | undefined
  settingsFile: string | undefined
}

export function addGlobalOptions(command: Command): void {
  const group = 'Global options:'
  for (const option of [
    new Option('--json', 'print JSON'),
    new Option('--server <url>', 'talk to this server (default: the saved login, else this machine)'),
    new Option('--cert <file>', 'your certificate: speak gRPC with mutual TLS to --server host:port'),
    new Option('--key <file>', 'its private key (default: beside it, ending in .key)'),
    new Option('--ca <file>', 'the authority of the server (default: ca.crt beside it)'),
    new Option('--data-dir <dir>', 'the local data directory'),
    new Option('--settings <file>', 'read settings from this file'),
    new Option('-v, --verbose', 'say more on stderr'),
  ]) {
    // `run -v` stays ours, but a command may have its own meaning for a flag of this list.
    if (command.options.some((own) => own.long === option.long)) continue
    command.addOption(option.helpGroup(group))
  }
}

export function globalsOf(command: Command): Globals {
  const all = command.optsWithGlobals<Partial<Globals> & { settings?: string }>()
  return {
    json: all.json === true,
    verbose: all.verbose === true,
    server: all.server,
    dataDir: all.dataDir,
    // The processes that we start have another current directory.
    settingsFile: all.settings === undefined ? undefined : resolve(all.settings),
  }
}

/** Flags for the settings that have one. */
export function addSettingOptions(command: Command, groups: SettingGroup[], except: SettingName[] = []): void {
  for (const [name, setting] of Object.entries(settings)) {
    if (!('flag' in setting) || name === 'dataDir' || !groups.includes(setting.group)) continue
    if (except.includes(name as SettingName)) continue
    command.addOption(new Option(`${setting.flag} <value>`, setting.meaning).helpGroup('Settings:'))
  }
}

/** Option values by setting name: commander calls `--labels` `labels`, the setting is `runnerLabels`. */
export function settingFlags(command: Command): ArgvFlags {
  const given = command.optsWithGlobals<Record<string, unknown>>()
  const flags: ArgvFlags = {}
  for (const [name, setting] of Object.entries(settings)) {
    if (!('flag' in setting)) continue
    const word = setting.flag.slice(2).replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
    if (given[word] !== undefined) flags[name as SettingName] = given[word]
  }
  return flags
}

export const configOf = (command: Command): Config =>
  loadConfig({ argvFlags: settingFlags(command), envFile: globalsOf(command).settingsFile })

/** The same flags as words, to start another process of ours with. */
export function flagWords(command: Command, only?: SettingName[]): string[] {
  const { settingsFile } = globalsOf(command)
  const words = settingsFile === undefined ? [] : ['--settings', settingsFile]
  for (const [name, value] of Object.entries(settingFlags(command))) {
    const setting = settings[name as SettingName]
    if ('flag' in setting && (only === undefined || only.includes(name as SettingName))) {
      words.push(setting.flag, String(value))
    }
  }
  return words
}
