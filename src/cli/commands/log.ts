import type { Command } from 'commander'
import { Option } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import { isAppError } from '../../lib/app-error.ts'
import { withServer } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { jobId } from '../job-id.ts'
import { pourLog } from '../pour-log.ts'
import { ReaderGone } from '../raw-output.ts'
import { notice } from '../render.ts'
import { parseWhole } from '../units.ts'

interface LogOptions {
  follow?: boolean
  stream: 'stdout' | 'stderr' | 'all'
  attempt?: number
  offset: number
}

export function define(command: Command): void {
  command
    .argument('<id>', 'the job', jobId)
    .option('-f, --follow', 'go on until the job has ended')
    .addOption(new Option('--stream <name>', 'which output').choices(['stdout', 'stderr', 'all']).default('all'))
    .option('--attempt <n>', 'which attempt (default: the newest)', parseWhole)
    .option('--offset <bytes>', 'begin at this byte of the stream', parseWhole, 0)
  command.addHelpText(
    'after',
    '\nThe bytes as the job wrote them, its stdout to stdout and its stderr to stderr, in order of arrival.',
  )
  command.action(async (id: string, options: LogOptions) => {
    const { json, verbose } = globalsOf(command)
    try {
      await withServer(command, async ({ client }) => {
        const { stream, attempt, offset } = options
        const until = options.follow ? undefined : await sizeNow(client, id, options)
        if (until !== undefined && until <= offset) {
          const job = await client.calls.jobs.get({ id })
          return notice(
            job.last_attempt === 0 ? `${id} has not begun (${job.state})` : `${id} has written nothing`,
            verbose,
          )
        }
        await pourLog(client.followLog({ jobId: id, stream, attempt, offset }), {
          json,
          until: until === undefined ? undefined : { attempt, offset: until },
        })
      })
    } catch (error) {
      if (!(error instanceof ReaderGone)) throw error
      process.exitCode = exitCodes.brokenPipe
    }
  })
}

/** What there is at this moment; `log` without -f ends there, however much the job goes on to write. */
async function sizeNow(client: ApiClient, id: string, { stream, attempt }: LogOptions): Promise<number> {
  const job = await client.calls.jobs.get({ id })
  if (job.last_attempt === 0) return 0
  try {
    return (await client.readLog({ jobId: id, stream, attempt, offset: 0, limit: 1 })).size
  } catch (error) {
    // An empty log has no first byte to ask for.
    if (isAppError(error) && error.code === 'invalid_argument') return 0
    throw error
  }
}
