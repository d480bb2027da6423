import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { ClampedCode } from '../../components/clamped-code.tsx'
import type { Job } from '../../lib/api.ts'
import { shellLine } from '../../lib/shell-words.ts'
import { byteSize, duration, exactTime } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { JobLink } from './job-link.tsx'
import { executorWords } from './place/executors.ts'
import { isEnded, isWaiting } from './states.ts'

/** What the job is: everything that was asked for and what holds. */
export function JobFacts({ job }: { job: Job }) {
  const limits = job.effective_limits
  const { placement } = job
  const command = shellLine(job.command)
  return (
    <section aria-labelledby="facts" className="rounded-lg border border-line bg-surface p-4">
      <h2 id="facts" className="mb-2 text-sm font-semibold">
        Details
      </h2>
      <dl className="flex flex-col">
        {!job.message && (
          <Fact name="Command">
            <ClampedCode text={command} shown={visibleLines(command)} what="command" />
          </Fact>
        )}
        <Fact name="Created">{exactTime(job.created_at)}</Fact>
        {job.batch_id && (
          <Fact name="Batch">
            <Link
              to="/batches/$id"
              params={{ id: job.batch_id }}
              className="font-mono text-xs text-accent underline underline-offset-2"
            >
              {job.batch_id}
            </Link>
            {job.batch_index !== null && <span className="ml-2 text-muted">place {job.batch_index}</span>}
          </Fact>
        )}
        {job.pipeline_run_id && (
          <Fact name="Pipeline run">
            <Link
              to="/runs/$id"
              params={{ id: job.pipeline_run_id }}
              className="font-mono text-xs text-accent underline underline-offset-2"
            >
              {job.pipeline_run_id}
            </Link>
            {job.profile === 'project' && <span className="ml-2 text-muted">in its project directory</span>}
          </Fact>
        )}
        {job.working_dir && <Fact name="Directory">{job.working_dir}</Fact>}
        <Fact name="Queue">{job.queue}</Fact>
        <Fact name="Runner">{job.runner}</Fact>
        <Fact name="Priority">{job.priority}</Fact>
        <PlaceFacts job={job} />
        <Fact name="Time limit">
          {job.timeout_seconds === undefined ? undefined : duration(job.timeout_seconds * 1000)}
        </Fact>
        <Fact name="CPU">
          {limits.cpu === undefined ? undefined : limits.cpu === 1 ? '1 core' : `${limits.cpu} cores`}
        </Fact>
        <Fact name="Memory">{size(limits.memory_bytes)}</Fact>
        <Fact name="Disk">{size(limits.disk_bytes)}</Fact>
        <Fact name="Output">{size(limits.output_bytes)}</Fact>
        <Fact name="I/O">{limits.io_bytes_per_second && `${byteSize(limits.io_bytes_per_second)} per second`}</Fact>
        <Fact name="Processes">{limits.pids}</Fact>
        <Fact name="Open files">{limits.open_files}</Fact>
        <Fact name="Attempts">{`${attemptsOf(job)} of ${job.max_attempts}`}</Fact>
        {job.max_attempts > 1 && job.retry && <Fact name="Retries">{retryText(job.retry)}</Fact>}
        {job.not_before && <Fact name="Not before">{exactTime(job.not_before)}</Fact>}
        <Fact name="Labels">{labelText(job.labels)}</Fact>
        <Fact name="Needs labels">{labelText(job.required_labels)}</Fact>
        <Fact name="Avoids labels">{labelText(placement?.avoid_labels)}</Fact>
        <Fact name="Near">{besideText(placement?.affinity)}</Fact>
        <Fact name="Apart from">{besideText(placement?.anti_affinity)}</Fact>
        <Fact name="Placement">{placement?.strategy}</Fact>
        {job.depends_on && job.depends_on.length > 0 && (
          <Fact name="Depends on">
            <ul>
              {job.depends_on.map((id, index) => (
                <li key={id}>
                  <JobLink id={id} named={index < mostNamed} />
                </li>
              ))}
            </ul>
          </Fact>
        )}
        {job.rerun_of && (
          <Fact name="Re-run of">
            <JobLink id={job.rerun_of} />
          </Fact>
        )}
        <Names name="Inputs" names={(job.inputs ?? []).map(({ share, path }) => `${share}: ${path}`)} />
        <Names name="JUnit XML" names={job.junit ?? []} />
        <Names name="Binds" names={(job.binds ?? []).map(({ path, mode }) => `${path} (${mode})`)} />
        <Names name="Environment" names={Object.entries(job.env ?? {}).map(([key, value]) => `${key}=${value}`)} />
        <Names name="Secrets" names={(job.secret_env_names ?? []).map((key) => `${key}=•••`)} />
        {job.payload !== undefined && (
          <Fact name="Payload">
            <code className="font-mono text-xs break-all whitespace-pre-wrap">{JSON.stringify(job.payload)}</code>
          </Fact>
        )}
      </dl>
    </section>
  )
}

/** By what and where it runs, and how it is shut in. */
function PlaceFacts({ job }: { job: Job }) {
  const { executor, container, hosts, hosts_success, hosts_at_once, slurm, kubernetes, isolation, network, egress } =
    job
  const shutIn = executor === 'sandbox'
  return (
    <>
      <Fact name="Executor">{executorWords(executor).label}</Fact>
      {container?.image && (
        <Fact name="Image">
          <code className="font-mono text-xs break-all">{visibleText(container.image)}</code>
        </Fact>
      )}
      <Fact name="User">{container?.user}</Fact>
      <Fact name="Root">{container?.read_only_root ? 'Read-only' : undefined}</Fact>
      <Names
        name="Volumes"
        names={(container?.volumes ?? []).map(({ name, path, mode }) => `${name}: ${path} (${mode})`)}
      />
      {hosts && (
        <Fact name={hosts.length === 1 ? 'Host' : 'Hosts'}>
          <ul className="flex max-h-40 flex-wrap gap-x-3 overflow-y-auto">
            {hosts.map((host) => (
              <li key={host}>
                <Link to="/hosts/$name" params={{ name: host }} className="text-accent hover:underline">
                  {host}
                </Link>
              </li>
            ))}
          </ul>
        </Fact>
      )}
      {hosts && hosts.length > 1 && (
        <Fact name="Success">
          {hosts_success === 'any' ? 'When one host succeeds' : 'When all hosts succeed'}
          {hosts_at_once !== undefined && `; ${hosts_at_once} at a time`}
        </Fact>
      )}
      <Fact name="Slurm">{slurm && pairsText(slurm)}</Fact>
      <Fact name="Kubernetes">
        {kubernetes && pairsText({ ...kubernetes, node_selector: labelText(kubernetes.node_selector) })}
      </Fact>
      {shutIn && (
        <Fact name="Isolation">{isolation === 'full' ? 'Full' : 'None: runs like any process of the runner'}</Fact>
      )}
      {(shutIn || executor === 'container') && (
        <Fact name="Network">
          {container?.network ?? (network === 'none' ? 'None' : network === 'egress' ? 'Only to' : network)}
          {egress && <code className="block font-mono text-xs break-all whitespace-pre-wrap">{egress.join('\n')}</code>}
        </Fact>
      )}
    </>
  )
}

const pairsText = (values: Record<string, unknown>) =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key.replaceAll('_', ' ')} ${String(value)}`)
    .join(', ')

/** Each name is a question to the server. */
const mostNamed = 10

/** With the one that goes on now, which is spent only when it ends. */
const attemptsOf = ({ state, attempts_spent }: Job) =>
  isWaiting(state) || isEnded(state) ? attempts_spent : attempts_spent + 1

const visibleLines = (text: string) => text.split('\n').map(visibleText).join('\n')

const labelText = (labels: Record<string, string> | undefined) =>
  labels &&
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ')

const besideText = (rule: { labels: Record<string, string>; required: boolean } | undefined) =>
  rule && `${labelText(rule.labels)}${rule.required ? '' : ' (where it can)'}`

const retryText = ({ backoff_seconds, factor, max_backoff_seconds, memory_factor }: NonNullable<Job['retry']>) =>
  `after ${duration(backoff_seconds * 1000)}${factor > 1 ? `, ${factor} times as long each time, at most ${duration(max_backoff_seconds * 1000)}` : ''}${memory_factor === undefined ? '' : `; ${memory_factor} times the memory after a kill for it`}`

const size = (bytes: number | undefined) => (bytes === undefined ? undefined : byteSize(bytes))

function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (children === undefined || children === null || children === '') return null
  return (
    <div className="flex gap-3 border-t border-line py-1.5 text-sm first:border-t-0">
      <dt className="w-24 shrink-0 text-muted">{name}</dt>
      <dd className="min-w-0 flex-1 break-words">{typeof children === 'string' ? visibleText(children) : children}</dd>
    </div>
  )
}

function Names({ name, names }: { name: string; names: string[] }) {
  if (names.length === 0) return null
  return (
    <Fact name={name}>
      <code className="font-mono text-xs break-all whitespace-pre-wrap">{names.map(visibleText).join('\n')}</code>
    </Fact>
  )
}
