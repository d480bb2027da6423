import { Option, type Command } from 'commander'
import { AppError } from '../../lib/app-error.ts'
import { tidyWhenIdle } from '../../lib/idle-memory.ts'
import { settings, type SettingName } from '../../config/settings.ts'
import { addGlobalOptions, addSettingOptions, configOf } from '../globals.ts'
import { readFacts, removeFacts, startTimeOf, writeFacts } from '../instance/files.ts'
import { ensureInstanceId, takeLock } from '../instance/lock.ts'
import { ensureOwnDir } from '../instance/own-dir.ts'
import { onStop } from '../process-life.ts'
import { runnerAddress } from '../runner-address.ts'
import { version } from '../version.ts'
import { define as defineEnrol } from './runner-enrol.ts'
import { define as defineLs } from './runner-ls.ts'
import { define as defineToken } from './runner-token.ts'

export function define(command: Command): void {
  addSettingOptions(command, ['server', 'runner', 'jobs'], ofTheServer)
  command
    .option('--server <addresses>', 'host:port of servers elsewhere, with commas between them (default: as enrolled)')
    .option('--cert <file>', 'client certificate (PEM), for a machine that was not enrolled')
    .option('--key <file>', 'its private key (default: beside it, ending in .key)')
    .option('--ca <file>', 'the authority of the servers (default: ca.crt beside it)')
  command.addOption(new Option('--settings-mark <hash>', 'of who starts it').hideHelp())
  addGlobalOptions(command)
  command.addHelpText(
    'after',
    '\nWorks for the servers that this machine was enrolled with, else for the one of the same data directory.\n' +
      'SIGTERM drains, a second one hands back at once.',
  )
  command.action(() => run(command))
  defineEnrol(command)
  defineToken(command)
  defineLs(command)
}

const alsoOfRunners: SettingName[] = ['runDir', 'logLevel']
const ofTheServer = (Object.keys(settings) as SettingName[]).filter(
  (name) => settings[name].group === 'server' && !alsoOfRunners.includes(name),
)

async function run(command: Command): Promise<void> {
  const config = configOf(command)
  await ensureOwnDir('data', config.dataDir)
  const runDir = (await readFacts(config.dataDir, 'instance.json'))?.run_dir ?? config.runDir
  const address = await runnerAddress(config, runDir)
  const lock = await takeLock(await ensureInstanceId(config.dataDir), 'runner')
  if (lock === undefined) {
    const pid = (await readFacts(config.dataDir, 'runner.json'))?.pid
    throw new AppError('conflict', `another runner${pid ? ` (process ${pid})` : ''} works on ${config.dataDir}`)
  }
  await writeFacts(config.dataDir, 'runner.json', {
    pid: process.pid,
    start_time: startTimeOf(process.pid) ?? '',
    version,
    works: 'servers' in address ? 'elsewhere' : address.beside ? 'beside' : 'alone',
    settings: command.opts<{ settingsMark?: string }>().settingsMark,
  })
  const [{ logFacts }, { runRunner }] = await Promise.all([
    import('../../lib/fact-log.ts'),
    import('../../runner/main.ts'),
  ])
  logFacts(config.logLevel)
  tidyWhenIdle()
  const named = 'name' in address ? { ...config, runnerName: address.name } : config
  process.exitCode = await runRunner(named, { ...address, version, onStop: (listener) => onStop(() => listener()) })
  await removeFacts(config.dataDir, 'runner.json')
  await lock.release()
}
