import type { Command } from 'commander'
import { configOf, globalsOf } from '../globals.ts'
import { findLocal } from '../instance/find-local.ts'
import { print, printJson } from '../render.ts'

export function define(command: Command): void {
  command.addHelpText(
    'after',
    '\nRunning jobs get RUNYARD_DRAIN_SECONDS to finish. After that one with attempts left is handed back and runs again at\n' +
      'the next start; one without (--retries 0, the default) ends as failed. Waiting jobs wait on.',
  )
  command.action(async () => {
    const config = configOf(command)
    const server = await findLocal(config, { start: 'no', runner: false })
    await server?.stop()
    if (globalsOf(command).json) return printJson({ stopped: server !== undefined, data_dir: config.dataDir })
    print(
      server === undefined ? `Nothing is running on ${config.dataDir}.` : `Stopped the server on ${config.dataDir}.`,
    )
  })
}
