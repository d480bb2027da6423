import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { isTerminal } from '../../job/state.ts'
import { withServer, type Connection } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { jobId } from '../job-id.ts'
import { notice, printJson } from '../render.ts'
import { errorText } from '../report-error.ts'

export function define(command: Command): void {
  command
    .argument('<id...>', 'jobs', (text: string, before: string[] | undefined) => [...(before ?? []), jobId(text)])
    .option('--reason <text>', 'kept with the job')
    .option('--force', 'SIGKILL at once, without the grace; also for a job that is being stopped already')
    .option('--no-wait', 'do not wait until the process tree is dead')
  command.addHelpText(
    'after',
    '\nSIGTERM to the whole tree, then SIGKILL after the grace; ends when no process is left. Prints nothing when it worked.',
  )
  command.action(async (ids: string[], options: StopOptions) => {
    const { json, verbose } = globalsOf(command)
    const answers = await withServer(command, (connection) =>
      Promise.all([...new Set(ids)].map((id) => stopOne(connection, id, options))),
    )
    if (json) printJson(answers)
    for (const { id, answer, message } of answers) {
      if (answer !== 'stopped') process.exitCode = exitCodes.failed
      if (json) continue
      if (answer === 'stopped') notice(`${id} stopped`, verbose)
      else process.stderr.write(`runyard: ${message?.includes(id) ? message : `${id}: ${message}`}\n`)
    }
  })
}

interface StopOptions {
  reason?: string
  force?: boolean
  wait: boolean
}

interface Answer {
  id: string
  /** The seed's words. */
  answer: 'stopped' | 'not found' | 'error'
  state?: string
  message?: string
}

async function stopOne({ client }: Connection, id: string, options: StopOptions): Promise<Answer> {
  try {
    let { state } = await client.calls.jobs.cancel({ id, reason: options.reason, force: options.force })
    for (let pause = 50; options.wait && !isTerminal(state); pause = Math.min(pause * 2, 1000)) {
      await sleep(pause)
      state = (await client.calls.jobs.get({ id })).state
    }
    return { id, answer: 'stopped', state }
  } catch (error) {
    const missing = (error as { code?: string }).code === 'not_found'
    return { id, answer: missing ? 'not found' : 'error', message: errorText(error) }
  }
}
