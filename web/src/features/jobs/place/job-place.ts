import type { JobInput } from '../submit/job-form.ts'

/** The part of a job that says by what and where it runs; events have the same one. Names are the wire's. */
export type JobPlace = Pick<
  JobInput,
  'executor' | 'container' | 'hosts' | 'hosts_success' | 'hosts_at_once' | 'slurm' | 'kubernetes' | 'network' | 'egress'
>

type Executor = NonNullable<JobPlace['executor']>

/** As the server has it (`src/job/executor-fields.ts`): a field of another executor would be refused. */
const fieldsOf: Record<Executor, (keyof JobPlace)[]> = {
  sandbox: ['network', 'egress'],
  container: ['container', 'network', 'egress'],
  ssh: ['hosts', 'hosts_success', 'hosts_at_once'],
  slurm: ['slurm'],
  kubernetes: ['container', 'kubernetes'],
}
const all = [
  'container',
  'hosts',
  'hosts_success',
  'hosts_at_once',
  'slurm',
  'kubernetes',
  'network',
  'egress',
] as const

/** The change that gives a job to another executor: what has no meaning there goes. */
export function toExecutor(place: JobPlace, executor: Executor | undefined): JobPlace {
  const kept = fieldsOf[executor ?? 'sandbox']
  const { network, container } = place
  return {
    ...Object.fromEntries(all.map((field) => [field, kept.includes(field) ? place[field] : undefined])),
    executor,
    // Of these only the image means the same in both.
    ...(kept.includes('container') && container?.image ? { container: { image: container.image } } : {}),
    ...(executor === 'container' && network === 'host' ? { network: undefined } : {}),
  }
}

/** `cache:/var/cache`, `cache:/var/cache:rw`. What is no volume is sent as a name, and refused there in words. */
export function readVolume(line: string): { name: string; path: string; mode?: 'rw' } {
  const [, name = line, path = '', mode] = /^([^:]*):(.*?)(?::(ro|rw))?$/.exec(line) ?? []
  return mode === 'rw' ? { name, path, mode } : { name, path }
}

export const volumeLine = ({ name, path, mode }: { name: string; path: string; mode?: 'ro' | 'rw' }): string =>
  [name, path, ...(mode === 'rw' ? [mode] : [])].filter((part, index) => index === 0 || part !== '').join(':')

/** What the server says against a list or one of its entries, which is named. */
export function listProblem(
  errorOf: (field: string) => string | undefined,
  field: string,
  entries: readonly string[],
): string | undefined {
  const each = entries.flatMap((entry, index) => {
    const problem = errorOf(`${field}[${index}]`)
    if (problem === undefined) return []
    return [problem.includes(entry) ? problem : `“${entry}” ${problem}`]
  })
  return [errorOf(field), ...each].filter((one) => one !== undefined).join('; ') || undefined
}
