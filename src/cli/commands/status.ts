import type { Command } from 'commander'
import type { Attempt, Job } from '../../api/contract/index.ts'
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
    const { job, attempts, hints } = await withServer(command, async ({ client: { calls } }) => {
      const found = await calls.jobs.get({ id })
      const ran = verbose && !json && found.last_attempt > 0
      if (!ran) return { job: found, attempts: [], hints: [] }
      const [{ attempts: all }, { memory, cpu }] = await Promise.all([
        calls.jobs.attempts({ id }),
        calls.limits.suggest({ job: id }),
      ])
      return { job: found, attempts: all, hints: [memory?.text, cpu?.text].filter((text) => text != null) }
    })
    if (json) return printJson(job)
    print(callWordOf(job.state))
    if (!verbose) return
    for (const [name, value] of details(job, attempts)) print(`  ${`${name}:`.padEnd(12)} ${value}`)
    for (const hint of hints) print(`  ${'hint:'.padEnd(12)} ${hint} (runyard suggest ${id})`)
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

/** That of the sandbox says nothing new. */
function executorText({ executor, container, hosts, slurm, kubernetes, network, egress }: Job): string | null {
  const where = container?.image ?? hosts?.join(', ') ?? slurm?.partition ?? kubernetes?.namespace
  const to = egress === undefined ? '' : `; ${network} to ${egress.join(', ')}`
  if (executor === 'sandbox' && to === '') return null
  return printable(`${executor}${where === undefined ? '' : `: ${where}`}${to}`)
}

/** One that runs is not spent yet, but it is the one that people ask about. */
function attemptsText({ state, attempts_spent: spent, max_attempts: most }: Job): string {
  const now = { leased: 'starting', running: 'running', unknown: 'not heard of' }[state as string]
  return now === undefined ? `${spent} of ${most}` : `${spent + 1} of ${most}, ${now}`
}

function runnerText({ state }: Job, attempts: Attempt[]): string | undefined {
  const last = attempts.at(-1)
  if (last === undefined) return undefined
  return `${printable(last.runner)}${state === 'unknown' ? ', which does not answer' : ''}`
}

export function details(job: Job, attempts: Attempt[]): [string, string][] {
  const { result } = job
  const rows: [string, string | null | undefined][] = [
    ['name', printable(job.name)],
    ['command', printable(JSON.stringify(job.command))],
    ['state', job.state],
    ['waiting', job.waiting_reason?.text],
    ['executor', executorText(job)],
    ['queue', `${job.queue}, priority ${job.priority}`],
    ['owner', job.owner],
    ['labels', labelList(job.labels).join(', ') || null],
    ['placement', placementText(job)],
    ['created', showAgo(job.created_at)],
    ['took', job.duration_ms === null ? null : showDuration(job.duration_ms)],
    ['cancelled', job.cancel_reason === null ? null : printable(job.cancel_reason)],
    ['attempts', attemptsText(job)],
    ['runner', runnerText(job, attempts)],
    ['exit code', result?.exit_code?.toString()],
    ['signal', result?.signal],
    ['message', result?.message === null || result === null ? null : printable(result.message)],
    ...(result?.hosts ?? []).map(({ host, state, exit_code, message }): [string, string] => [
      'on host',
      printable(
        `${host}: ${message ?? (state === 'failed' ? `exited with code ${exit_code}` : state.replaceAll('_', ' '))}`,
      ),
    ]),
    ...Object.entries(job.outputs ?? {}).map(([name, value]): [string, string] => [
      'output',
      printable(`${name}=${value.length > 200 ? `${value.slice(0, 200)}…` : value}`),
    ]),
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
