import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import { isTerminal } from '../../job/state.ts'
import { isAppError } from '../../lib/app-error.ts'
import { withServer } from '../connect.ts'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { jobId } from '../job-id.ts'
import { watchFollowing } from '../lost-server.ts'
import { pourLog } from '../pour-log.ts'
import { ReaderGone } from '../raw-output.ts'
import { notice } from '../render.ts'
import { parseWhole } from '../units.ts'

export interface LogOptions {
  follow?: boolean
  stream: 'stdout' | 'stderr' | 'all'
  attempt?: number
  offset: number
}

export const addLogOptions = (command: Command): Command =>
  command
    .option('-f, --follow', 'go on until the job has ended')
    .addOption(new Option('--stream <name>', 'which output').choices(['stdout', 'stderr', 'all']).default('all'))
    .option('--attempt <n>', 'which attempt (default: the newest)', parseAttempt)
    .option('--offset <bytes>', 'begin at this byte of the stream', parseWhole, 0)

export function define(command: Command): void {
  addLogOptions(command.argument('<id>', 'the job', jobId))
  command.addHelpText(
    'after',
    '\nThe bytes as the job wrote them, its stdout to stdout and its stderr to stderr, in order of arrival.',
  )
  command.action((id: string, options: LogOptions) => showLog(command, async () => id, options))
}

/** Of the job that `find` names. */
export async function showLog(
  command: Command,
  find: (client: ApiClient) => Promise<string>,
  options: LogOptions,
): Promise<void> {
  const { json, verbose } = globalsOf(command)
  try {
    await withServer(command, async ({ client, url }) => {
      const id = await find(client)
      const { stream, attempt, offset } = options
      const now = options.follow && offset === 0 ? undefined : await sizeNow(client, id, options)
      if (now !== undefined && nothingBehind(now, options)) {
        const job = await client.calls.jobs.get({ id })
        return notice(
          job.last_attempt === 0 ? `${id} has not begun (${job.state})` : `${id} has written ${now.size} bytes`,
          verbose,
        )
      }
      const { guard, onAway } = watchFollowing({ url, jobId: id, verbose, stream, offset })
      const events = client.followLog({ jobId: id, stream, attempt, offset }, undefined, onAway)
      await pourLog(guard(events), {
        json,
        verbose,
        // Followed to its end, a complete log also says what was cut off.
        until: options.follow || now === undefined || now.sealed ? undefined : { attempt, offset: now.size },
      })
    })
  } catch (error) {
    if (!(error instanceof ReaderGone)) throw error
    process.exitCode = exitCodes.brokenPipe
  }
}

function parseAttempt(text: string): number {
  const number = parseWhole(text)
  if (number === 0) throw new InvalidArgumentError('is no attempt; the first one is 1')
  return number
}

/** Of what is complete, the end itself still says what was cut off; of what is followed, more may come. */
export function nothingBehind(now: Size, { follow, offset }: Pick<LogOptions, 'follow' | 'offset'>): boolean {
  if (now.sealed) return offset > now.size
  return !follow && offset >= now.size
}

interface Size {
  size: number
  sealed: boolean
}

/** What there is at this moment; `log` without -f ends there, however much the job goes on to write. */
async function sizeNow(client: ApiClient, id: string, { stream, attempt }: LogOptions): Promise<Size> {
  const job = await client.calls.jobs.get({ id })
  if (job.last_attempt === 0) return { size: 0, sealed: false }
  const sealed = isTerminal(job.state) && (await isSealed(client, id, attempt ?? job.last_attempt))
  try {
    return { size: (await client.readLog({ jobId: id, stream, attempt, offset: 0, limit: 1 })).size, sealed }
  } catch (error) {
    // An empty log has no first byte to ask for.
    if (isAppError(error) && error.code === 'invalid_argument') return { size: 0, sealed }
    throw error
  }
}

async function isSealed(client: ApiClient, id: string, attempt: number): Promise<boolean> {
  const { attempts } = await client.calls.jobs.attempts({ id })
  return attempts.some(({ number, log }) => number === attempt && log !== null)
}
