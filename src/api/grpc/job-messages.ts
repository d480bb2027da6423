/** A job as the messages of `runyard.v1` show it. */
import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { callWordOf } from '../../job/status-word.ts'
import type { ShownJob } from '../../operations/show-job.ts'
import type { JobSchema, OutputEndSchema } from './gen/runyard/v1/job_service_pb.js'

export function jobMessage(job: ShownJob): MessageInitShape<typeof JobSchema> {
  return {
    jobId: job.id,
    name: job.name,
    ...endMessage(job),
    message: job.result?.message ?? '',
    owner: job.owner,
    createdAt: instant(job.created_at),
    startedAt: instant(job.started_at),
    endedAt: instant(job.ended_at),
    lastAttempt: job.last_attempt,
    waitingReason: job.waiting_reason?.text ?? '',
    command: job.command,
    json: JSON.stringify(job),
  }
}

export const endMessage = (job: ShownJob) =>
  ({
    state: job.state,
    status: callWordOf(job.state),
    exitCode: job.result?.exit_code ?? undefined,
    signal: job.result?.signal ?? '',
  }) satisfies MessageInitShape<typeof OutputEndSchema>

const instant = (iso: string | null) => (iso === null ? undefined : timestampFromDate(new Date(iso)))
