import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { ClampedCode } from '../../../components/clamped-code.tsx'
import type { PipelineRun, PipelineTask } from '../../../lib/api.ts'
import { exactTime } from '../../../lib/time.ts'
import { visibleText } from '../../../lib/visible-text.ts'
import { StateChip } from '../../jobs/state-chip.tsx'
import { pipelineQuery } from '../queries.ts'
import { Elapsed } from '../times.tsx'
import { ArtifactList } from './artifact-list.tsx'
import { definitionOf } from './definition-of.ts'
import { Fact } from './run-details.tsx'
import { RunLink } from './run-head.tsx'

/** All that is known of a task but its log. */
export function TaskFacts({ run, task }: { run: PipelineRun; task: PipelineTask }) {
  const pipeline = useQuery({ ...pipelineQuery(run.pipeline, run.version), staleTime: Number.POSITIVE_INFINITY })
  const written = definitionOf(pipeline.data, task)
  const outputs = Object.entries(task.outputs ?? {})
  return (
    <aside
      aria-label="About this task"
      tabIndex={0}
      className="flex min-w-0 flex-col gap-4 rounded-lg xl:overflow-y-auto"
    >
      <Part title="Details">
        <dl>
          {written?.description && <Fact name="What it does">{visibleText(written.description)}</Fact>}
          {task.job_state && (
            <Fact name="Job">
              <span className="flex flex-wrap items-center gap-2">
                <StateChip state={task.job_state} />
                {task.job_id && (
                  <Link
                    to="/jobs/$id"
                    params={{ id: task.job_id }}
                    className="rounded font-mono text-xs text-accent underline underline-offset-2"
                  >
                    {task.job_id}
                  </Link>
                )}
              </span>
            </Fact>
          )}
          {task.child_run && (
            <Fact name="Its run">
              <RunLink id={task.child_run} />
            </Fact>
          )}
          {task.started_at && <Fact name="Started">{exactTime(task.started_at)}</Fact>}
          {task.ended_at && <Fact name="Ended">{exactTime(task.ended_at)}</Fact>}
          {task.started_at && (
            <Fact name="Time">
              <Elapsed of={task} />
              {task.critical && <span className="text-muted">, on the critical path</span>}
            </Fact>
          )}
          {task.attempts > 0 && <Fact name="Attempts">{task.attempts}</Fact>}
          {task.exit_code !== null && (
            <Fact name="Exit code">
              {task.exit_code}
              {task.allow_failure && task.exit_code !== 0 && <span className="text-muted">, may fail</span>}
            </Fact>
          )}
          {task.depends_on.length > 0 && (
            <Fact name={task.state === 'waiting' ? 'Waits for' : 'After'}>
              {task.depends_on.map(visibleText).join(', ')}
            </Fact>
          )}
          {written && written.envNames.length > 0 && (
            <Fact name="Environment">
              <span className="font-mono text-xs break-words">{written.envNames.map(visibleText).join(', ')}</span>
            </Fact>
          )}
        </dl>
      </Part>
      {outputs.length > 0 && (
        <Part title="Outputs">
          <dl>
            {outputs.map(([name, value]) => (
              <Fact key={name} name={visibleText(name)}>
                <code className="font-mono text-xs break-all whitespace-pre-wrap">{value}</code>
              </Fact>
            ))}
          </dl>
        </Part>
      )}
      {task.job_id && <ArtifactList jobId={task.job_id} ended={task.ended_at !== null} />}
      {written && written.script.length > 0 && (
        <Part title="Script">
          <ClampedCode text={written.script.join('\n')} what="script" />
        </Part>
      )}
    </aside>
  )
}

export function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="rounded-lg border border-line bg-surface p-4">
      <h3 className="mb-2 text-sm font-semibold">{title}</h3>
      {children}
    </section>
  )
}
