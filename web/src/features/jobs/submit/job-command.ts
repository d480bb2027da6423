import { shellLine } from '../../../lib/shell-words.ts'
import { volumeLine } from '../place/job-place.ts'
import type { JobInput } from './job-form.ts'

type Pairs = Record<string, string> | undefined

/** `runyard start …` for the same job, or what the command line has no option for. A secret is named, never shown. */
export function asCommandLine(job: JobInput): { text: string } | { missing: string[] } {
  const missing = [
    ...(job.not_before ? ['a start at a certain time'] : []),
    ...(job.retry ? ['a pause between attempts'] : []),
    ...(job.slurm ? ['what Slurm is told'] : []),
    ...(job.kubernetes ? ['what Kubernetes is told'] : []),
  ]
  if (missing.length > 0) return { missing }
  const options: string[] = []
  const add = (option: string, value: unknown) => {
    if (value !== undefined) options.push(option, String(value))
  }
  const pairs = (option: string, values: Pairs) => {
    for (const [key, value] of Object.entries(values ?? {})) add(option, `${key}=${value}`)
  }
  const seconds = (value: number | undefined) => (value === undefined ? undefined : `${value}s`)
  const { limits, placement } = job
  add('--name', job.name)
  add('--workdir', job.working_dir)
  pairs('--env', job.env)
  for (const name of Object.keys(job.secret_env ?? {})) add('--secret', name)
  for (const { share, path } of job.inputs ?? []) add('--input', path ? `${share}:${path}` : share)
  for (const path of job.junit ?? []) add('--junit', path)
  if (job.network !== 'none' && !job.egress) add('--network', job.network)
  for (const entry of job.egress ?? []) add('--egress', entry)
  placeOptions(job).forEach(([option, value]) => add(option, value))
  add('--isolation', job.isolation)
  add('--timeout', seconds(job.timeout_seconds))
  add('--stop-grace', seconds(job.stop_grace_seconds))
  add('--cpu', limits?.cpu)
  add('--memory', limits?.memory_bytes)
  add('--disk', limits?.disk_bytes)
  add('--output', limits?.output_bytes)
  add('--pids', limits?.pids)
  add('--open-files', limits?.open_files)
  if (job.queue !== 'default') add('--queue', job.queue)
  if (job.priority !== 5) add('--priority', job.priority)
  pairs('--label', job.required_labels)
  pairs('--avoid', placement?.avoid_labels)
  pairs('--job-label', job.labels)
  add('--placement', placement?.strategy)
  if ((job.max_attempts ?? 1) > 1) add('--retries', job.max_attempts! - 1)
  add('--delay', seconds(job.delay_seconds))
  if (job.container?.read_only_root) options.push('--read-only-root')
  return { text: shellLine(['runyard', 'start', ...options, '--', ...job.command]) }
}

/** An image means a container, and a host SSH, unless something else is named. */
function placeOptions({ executor, container, hosts, hosts_success, hosts_at_once }: JobInput): [string, unknown][] {
  const meant = container ? 'container' : hosts ? 'ssh' : 'sandbox'
  return [
    ...(executor !== undefined && executor !== meant ? [['--executor', executor] as [string, unknown]] : []),
    ['--image', container?.image],
    ['--container-user', container?.user],
    ['--container-network', container?.network],
    ...(container?.volumes ?? []).map((volume): [string, unknown] => ['--volume', volumeLine(volume)]),
    ...(hosts ?? []).map((host): [string, unknown] => ['--host', host]),
    ['--hosts-success', hosts_success],
    ['--hosts-at-once', hosts_at_once],
  ]
}

/** The request itself. Values of secrets are left to be filled in. */
export function asCurl(job: JobInput, origin: string): string {
  const secrets = job.secret_env && {
    secret_env: Object.fromEntries(Object.keys(job.secret_env).map((name) => [name, 'FILL IN'])),
  }
  const body = JSON.stringify({ ...job, ...secrets })
  return [
    `curl -sS ${origin}/api/v1/jobs`,
    '-H "Authorization: Bearer $RUNYARD_TOKEN"',
    `-H 'Content-Type: application/json'`,
    `-d ${shellLine([body])}`,
  ].join(' \\\n  ')
}
