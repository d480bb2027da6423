import { join } from 'node:path'
import type { Command } from 'commander'
import { AppError } from '../../lib/app-error.ts'
import { tidyWhenIdle } from '../../lib/idle-memory.ts'
import { addSettingOptions, configOf } from '../globals.ts'
import { readFacts, removeFacts, startTimeOf, writeFacts } from '../instance/files.ts'
import { ensureInstanceId, takeLock } from '../instance/lock.ts'
import { ensureOwnDir } from '../instance/own-dir.ts'
import { onStop } from '../process-life.ts'
import { version } from '../version.ts'

export function define(command: Command): void {
  addSettingOptions(command, ['server', 'runner'], ['host', 'port', 'databaseUrl'])
  command.addHelpText(
    'after',
    '\nTalks to the server of the same data directory over a unix socket. SIGTERM drains, a second one hands back at once.',
  )
  command.action(async () => {
    const config = configOf(command)
    await ensureOwnDir('data', config.dataDir)
    const lock = await takeLock(await ensureInstanceId(config.dataDir), 'runner')
    if (lock === undefined) {
      const pid = (await readFacts(config.dataDir, 'runner.json'))?.pid
      throw new AppError('conflict', `another runner${pid ? ` (process ${pid})` : ''} works on ${config.dataDir}`)
    }
    await writeFacts(config.dataDir, 'runner.json', {
      pid: process.pid,
      start_time: startTimeOf(process.pid) ?? '',
      version,
    })
    const [{ logFacts }, { runRunner }] = await Promise.all([
      import('../../lib/fact-log.ts'),
      import('../../runner/main.ts'),
    ])
    logFacts(config.logLevel)
    tidyWhenIdle()
    const runDir = (await readFacts(config.dataDir, 'instance.json'))?.run_dir ?? config.runDir
    process.exitCode = await runRunner(config, {
      socketPath: join(runDir, 'runner.sock'),
      version,
      onStop: (listener) => onStop(() => listener()),
    })
    await removeFacts(config.dataDir, 'runner.json')
    await lock.release()
  })
}
