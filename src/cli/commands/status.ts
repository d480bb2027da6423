import type { Command } from 'commander'
import type { Job } from '../../api/contract/index.ts'
import { labelList } from '../../job/spec.ts'
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
    const job = await withServer(command, ({ client }) => client.calls.jobs.get({ id }))
    if (json) return printJson(job)
    print(callWordOf(job.state))
    if (verbose) for (const [name, value] of details(job)) print(`  ${`${name}:`.padEnd(12)} ${value}`)
  })
}

/** In the words of the options that ask for it. */
function placementText({ required_labels, placement = {} }: Job): string | null {
  const { strategy, avoid_labels, affinity, anti_affinity } = placement
  const rule = (word: string, labels: Job['labels'], required = true): string[] =>
    labels === undefined ? [] : [`${word} ${labelList(labels).join(' and ')}${required ? '' : ' where it can'}`]
  const parts = [
    ...rule('on runners with', required_labels),
    ...rule('not on runners with', avoid_labels),
    ...rule('near', affinity?.labels, affinity?.required),
    ...rule('apart from', anti_affinity?.labels, anti_affinity?.required),
    ...(strategy === undefined ? [] : [strategy]),
  ]
  return parts.join('; ') || null
}

function details(job: Job): [string, string][] {
  const { result } = job
  const rows: [string, string | null | undefined][] = [
    ['name', printable(job.name)],
    ['command', printable(JSON.stringify(job.command))],
    ['state', job.state],
    ['waiting', job.waiting_reason?.text],
    ['queue', `${job.queue}, priority ${job.priority}`],
    ['owner', job.owner],
    ['labels', labelList(job.labels).join(', ') || null],
    ['placement', placementText(job)],
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
