import { TimedText } from '../../components/timed-text.tsx'
import type { Job } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { JobLink } from './job-link.tsx'

/** Why a job waits; the jobs that it waits for are links. */
export function WaitingText({ job, text }: { job: Job; text: string }) {
  const ids = job.depends_on ?? []
  if (job.waiting_reason?.code !== 'dependency' || ids.length === 0) return <TimedText text={text} />
  return sentence(text)
    .split(/([0-9a-z]{12})/)
    .map((part, index) => (ids.includes(part) ? <JobLink key={index} id={part} /> : part))
}
