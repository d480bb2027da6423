/** Which flag of `run` and `start` fills which field of a job, so that a refusal names what was typed. */
import type { SayField } from './report-error.ts'
import { showBytes, showDuration } from './units.ts'

interface Flag {
  flag: string
  short?: string
  unit?: 'bytes' | 'seconds'
}

const flags: Record<string, Flag> = {
  name: { flag: '--name', short: '-n' },
  env: { flag: '--env', short: '-e' },
  secret_env: { flag: '--secret' },
  working_dir: { flag: '--workdir', short: '-w' },
  binds: { flag: '--bind' },
  inputs: { flag: '--input' },
  junit: { flag: '--junit' },
  artifacts: { flag: '--artifact' },
  helpers: { flag: '--helpers' },
  network: { flag: '--network' },
  egress: { flag: '--egress' },
  isolation: { flag: '--isolation' },
  hosts: { flag: '--host' },
  hosts_success: { flag: '--hosts-success' },
  hosts_at_once: { flag: '--hosts-at-once' },
  timeout_seconds: { flag: '--timeout', unit: 'seconds' },
  stop_grace_seconds: { flag: '--stop-grace', unit: 'seconds' },
  delay_seconds: { flag: '--delay', unit: 'seconds' },
  queue: { flag: '--queue' },
  priority: { flag: '--priority' },
  required_labels: { flag: '--label' },
  labels: { flag: '--job-label' },
  placement: { flag: '--placement' },
  'placement.strategy': { flag: '--placement' },
  'placement.avoid_labels': { flag: '--avoid' },
  'placement.affinity': { flag: '--near' },
  'placement.anti_affinity': { flag: '--apart' },
  depends_on: { flag: '--after' },
  on_dependency_failure: { flag: '--on-dependency-failure' },
  max_attempts: { flag: '--retries' },
  'retry.memory_factor': { flag: '--grow-memory' },
  'retry.memory_max_bytes': { flag: '--grow-memory-to', unit: 'bytes' },
  'limits.cpu': { flag: '--cpu' },
  'limits.memory_bytes': { flag: '--memory', unit: 'bytes' },
  'limits.pids': { flag: '--pids' },
  'limits.open_files': { flag: '--open-files' },
  'limits.disk_bytes': { flag: '--disk', unit: 'bytes' },
  'limits.output_bytes': { flag: '--output', unit: 'bytes' },
  'limits.io_bytes_per_second': { flag: '--io', unit: 'bytes' },
}

export const sayJobField =
  (argv: readonly string[]): SayField =>
  ({ field, message }) => {
    // `binds[0].path`, `env.1X`, `limits.cpu`: the longest beginning that is a flag's.
    const [top = '', second = ''] = field.split(/[.[]/)
    const found = flags[`${top}.${second}`] ?? flags[top]
    if (found === undefined) return `${field}: ${message}`
    const { flag, short, unit } = found
    const typedShort = short !== undefined && argv.some((word) => word.startsWith(short) && !word.startsWith('--'))
    const detail = field === top || found === flags[`${top}.${second}`] || /^\d+\]/.test(second) ? '' : ` ${second}`
    return `${typedShort ? short : flag}:${detail} ${inUnits(message, unit)}`
  }

/** `at most 34359738368 on this server` is nothing that people can compare with `--memory 64g`. */
function inUnits(message: string, unit: Flag['unit']): string {
  return message.replace(/\bat (most|least) ([\d.]+)(?=$| on this server)/, (_, way: string, number: string) => {
    const value = Number(number)
    const shown = unit === 'bytes' ? showBytes(value) : unit === 'seconds' ? showDuration(value * 1000) : number
    return `at ${way} ${shown}`
  })
}
