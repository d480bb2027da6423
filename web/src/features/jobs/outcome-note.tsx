import { Alert } from '../../components/alert.tsx'
import type { Job, JobResult } from '../../lib/api.ts'
import { sentence } from '../../lib/sentence.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { isWaiting, states } from './states.ts'
import { WaitingText } from './waiting-text.tsx'

const because: Partial<Record<string, string>> = {
  exit: 'The command ended by itself with an error.',
  signal: 'The command was ended by a signal.',
  timeout: 'Its time was over.',
  oom: 'It used more memory than its limit.',
  start: 'It could not be started.',
  refused: 'The runner could not hold what the job asked for, so it did not run.',
  lost: 'Its runner went away and did not come back in time.',
  infrastructure: 'The fault was on the runner, not in the job.',
}

/** The one sentence that matters now: why it waits, or why it did not end well. */
export function OutcomeNote({ job }: { job: Job }) {
  if (isWaiting(job.state) && job.waiting_reason) {
    return (
      <Alert kind="note">
        <WaitingText job={job} text={job.waiting_reason.text} />
      </Alert>
    )
  }
  const result = job.result
  if (!result || states[job.state].tone !== 'failed') return null
  return (
    <Alert>
      {(result.message && sentence(visibleText(result.message))) ?? ending(result) ?? states[job.state].meaning}
    </Alert>
  )
}

function ending({ error_class, exit_code, signal }: JobResult): string | undefined {
  if (error_class === 'exit' && exit_code !== null) return `The command ended with exit code ${exit_code}.`
  if (error_class === 'signal' && signal) return `The command was ended by ${signal}.`
  return because[error_class ?? '']
}
