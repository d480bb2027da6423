import type { Command } from 'commander'
import { configOf, globalsOf } from '../globals.ts'
import { findLocal } from '../instance/find-local.ts'
import { stopLeftBehind, type LeftBehind } from '../instance/left-runner.ts'
import { print, printJson } from '../render.ts'

export function define(command: Command): void {
  command.addHelpText(
    'after',
    '\nRunning jobs get RUNYARD_DRAIN_SECONDS to finish. After that one with attempts left is handed back and runs again at\n' +
      'the next start; one without (--retries 0, the default) ends as failed. Waiting jobs wait on.\n' +
      'A runner whose server was killed is stopped too.',
  )
  command.action(async () => {
    const config = configOf(command)
    const server = await findLocal(config, { start: 'no', runner: false })
    await server?.stop()
    const left = await stopLeftBehind(config, server !== undefined)
    const stopped = server !== undefined || left.runner !== undefined || left.launcher !== undefined
    if (globalsOf(command).json) return printJson({ stopped, data_dir: config.dataDir })
    for (const line of words(config.dataDir, server !== undefined, left)) print(line)
  })
}

function words(dataDir: string, server: boolean, { runner, launcher, elsewhere }: LeftBehind): string[] {
  const lines = server ? [`Stopped the server on ${dataDir}.`] : []
  if (runner !== undefined) lines.push(`Stopped a runner (process ${runner}) that was left on ${dataDir}.`)
  if (launcher !== undefined) lines.push(`Stopped a launcher (process ${launcher}) that was left on ${dataDir}.`)
  if (lines.length === 0) lines.push(`${elsewhere === undefined ? 'Nothing' : 'No server'} is running on ${dataDir}.`)
  if (elsewhere !== undefined) lines.push(`The runner (process ${elsewhere}) works for servers elsewhere and goes on.`)
  return lines
}
