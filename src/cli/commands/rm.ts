import type { Command } from 'commander'
import { AppError } from '../../lib/app-error.ts'
import { withServer } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { jobId } from '../job-id.ts'
import { confirm } from '../prompt.ts'
import { notice, printable, printJson } from '../render.ts'

export function define(command: Command): void {
  command.argument('<id>', 'an ended job', jobId).option('-y, --yes', 'do it without asking')
  command.addHelpText('after', '\nThe job, its attempts and its logs are gone for good. Stop a running one first.')
  command.action(async (id: string, options: { yes?: boolean }) => {
    const { json, verbose } = globalsOf(command)
    if (options.yes !== true && !process.stdin.isTTY)
      throw new AppError('invalid_argument', `no terminal to ask on: runyard rm ${id} --yes`)
    const deleted = await withServer(command, async ({ client }) => {
      if (options.yes !== true) {
        const { name } = await client.calls.jobs.get({ id })
        if (!(await confirm(`Delete ${id} (${printable(name)}) and its logs?`))) return false
      }
      await client.calls.jobs.delete({ id })
      return true
    })
    if (!deleted) process.exitCode = exitCodes.failed
    if (json) return printJson({ id, deleted })
    notice(deleted ? `${id} deleted` : 'nothing was deleted', verbose)
  })
}
