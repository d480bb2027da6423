import type { Command } from 'commander'
import type { ApiClient } from '../../api/client.ts'
import type { Job } from '../../api/contract/index.ts'
import { isTerminal } from '../../job/state.ts'
import { callWordOf } from '../../job/status-word.ts'
import { withServer } from '../connect.ts'
import { globalsOf } from '../globals.ts'
import { jobId } from '../job-id.ts'
import { print, printable, printJson } from '../render.ts'
import { showAgo, showBytes, showDuration } from '../units.ts'

export function define(command: Command): void {
  command.argument('<id>', 'the job', jobId)
  command.addHelpText(
    'after',
    '\nPrints queued, running, completed, failed or terminated; -v says more, --json everything.',
  )
  command.action(async (id: string) => {
    const { json, verbose } = globalsOf(command)
    const { job, cause } = await withServer(command, async ({ client }) => {
      const found = await client.calls.jobs.get({ id })
      return { job: found, cause: verbose && found.state === 'skipped' ? await skippedBy(client, found) : undefined }
    })
    if (json) return printJson(job)
    print(callWordOf(job.state))
    if (verbose) for (const [name, value] of details(job, cause)) print(`  ${`${name}:`.padEnd(12)} ${value}`)
  })
}

/** The first job it waited for that did not succeed. */
async function skippedBy(client: ApiClient, { depends_on: ids = [] }: Job): Promise<string | undefined> {
  for (const id of ids) {
    const dependency = await client.calls.jobs.get({ id }).catch(() => undefined)
    if (dependency !== undefined && isTerminal(dependency.state) && dependency.state !== 'succeeded')
      return `${id} ended as ${dependency.state}`
  }
  return undefined
}

function details(job: Job, cause?: string): [string, string][] {
  const { result } = job
  const rows: [string, string | null | undefined][] = [
    ['name', printable(job.name)],
    ['command', printable(JSON.stringify(job.command))],
    ['state', job.state],
    ['waiting', job.waiting_reason?.text],
    ['skipped', cause],
    ['queue', `${job.queue}, priority ${job.priority}`],
    ['owner', job.owner],
    ['created', showAgo(job.created_at)],
    ['took', job.duration_ms === null ? null : showDuration(job.duration_ms)],
    ['cancelled', job.cancel_reason === null ? null : printable(job.cancel_reason)],
    ['attempts', `${job.attempts_spent} of ${job.max_attempts}`],
    ['exit code', result?.exit_code?.toString()],
    ['signal', result?.signal],
    ['message', result?.message === null || result === null ? null : printable(result.message)],
    ['CPU time', result?.usage?.cpu_ms === undefined ? null : showDuration(result.usage.cpu_ms)],
    [
      'memory',
      result?.usage?.memory_peak_bytes === undefined ? null : `${showBytes(result.usage.memory_peak_bytes)} at most`,
    ],
    ['not held', result?.unenforced.join(', ') || null],
    ['isolation', job.isolation === 'none' ? 'none' : null],
    [
      'processes',
      result?.remaining_processes === null || result === null ? null : `${result.remaining_processes} left`,
    ],
  ]
  return rows.filter((row): row is [string, string] => row[1] !== null && row[1] !== undefined)
}
