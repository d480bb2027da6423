/** A run that this program started: wait for it, read it, cancel it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../api/client.ts'
import type { PipelineRun, PipelineTask } from '../api/contract/index.ts'
import { AppError } from '../lib/app-error.ts'

export interface RunHandle {
  readonly id: string
  /** prunner's job id. */
  readonly uuid: string
  /** As it is now. */
  status(): Promise<PipelineRun>
  tasks(): Promise<PipelineTask[]>
  /** Of one task, as it comes: replay, then live until its end. */
  output(task: string, signal?: AbortSignal): AsyncGenerator<{ stream: 'stdout' | 'stderr'; bytes: Uint8Array }>
  cancel(reason?: string): Promise<void>
  /** The run when it has ended, however it did. */
  readonly ended: Promise<PipelineRun>
}

/** A look at a run costs its server well under a millisecond. */
const lookEveryMs = { first: 50, most: 1000 }

export function runHandle(client: ApiClient, run: PipelineRun, over: AbortSignal): RunHandle {
  const { id, uuid } = run
  const status = (): Promise<PipelineRun> => client.calls.pipelineRuns.get({ id })
  const tasks = async (): Promise<PipelineTask[]> => (await client.calls.pipelineRuns.tasks({ id })).tasks
  let ended: Promise<PipelineRun> | undefined
  return {
    id,
    uuid,
    status,
    tasks,
    async *output(task, signal) {
      const jobId = (await tasks()).find((one) => one.name === task && one.item === null)?.job_id
      if (!jobId) throw new AppError('not_found', `task ${task} of run ${id} has no job yet`)
      for await (const event of client.followLog({ jobId }, signal)) {
        if (event.type === 'log' && event.stream !== 'mark') yield { stream: event.stream, bytes: event.bytes }
      }
    },
    async cancel(reason) {
      await client.calls.pipelineRuns.cancel({ id, ...(reason !== undefined && { reason }) })
    },
    get ended() {
      return (ended ??= untilEnded(status, over))
    },
  }
}

async function untilEnded(status: () => Promise<PipelineRun>, over: AbortSignal): Promise<PipelineRun> {
  for (let pause = lookEveryMs.first; ; pause = Math.min(pause * 1.5, lookEveryMs.most)) {
    const run = await status()
    if (run.ended_at !== null) return run
    await sleep(pause, undefined, { signal: over, ref: false })
  }
}
