import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { tellBackground } from '../background-line.ts'
import { connect } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { jobId } from '../job-id.ts'
import { print, printJson } from '../render.ts'
import { repeated } from '../submit.ts'

export function define(command: Command): void {
  command.argument('<id>', 'the job', jobId)
  command.addHelpText('after', '\nA new job with the same command, settings and secrets; the old one stays as it is.')
  command.action(async (id: string) => {
    const connection = await connect(command, { start: 'background', runner: true })
    try {
      const context = { idempotencyKey: randomUUID() }
      const job = await repeated(() => connection.client.calls.jobs.rerun({ id }, { context }))
      if (globalsOf(command).json) printJson(job)
      else print(`Started job with ID: ${job.id}`)
      tellBackground(connection)
    } finally {
      await connection.close()
    }
  })
}
