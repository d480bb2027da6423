import type { Command } from 'commander'
import { tellBackground } from '../background-line.ts'
import { connect } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { addJobOptions, refuseRelativePaths, specOf, type JobOptions } from '../job-options.ts'
import { print, printJson } from '../render.ts'
import { refuseWithoutSandbox } from '../sandbox-missing.ts'
import { emptyCommand, submit } from '../submit.ts'

export function define(command: Command): void {
  command.argument('[command...]', 'what to run; options of Runyard come before it').passThroughOptions()
  addJobOptions(command)
  command.addHelpText('after', '\nWith no server running, one is left in the background; `runyard down` stops it.')
  command.action(async (words: string[], options: JobOptions) => {
    if (words.length === 0) throw emptyCommand('start')
    const spec = specOf(words, options)
    const connection = await connect(command, {
      start: 'background',
      runner: true,
      beforeLocal: () => refuseWithoutSandbox(spec),
    })
    try {
      if (connection.local === undefined) refuseRelativePaths(options)
      const job = await submit(connection.client, spec, options.idempotencyKey)
      if (globalsOf(command).json) printJson(job)
      else print(`Started job with ID: ${job.id}`)
      tellBackground(connection)
    } finally {
      await connection.close()
    }
  })
}
