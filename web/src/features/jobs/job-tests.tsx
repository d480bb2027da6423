import { Link } from '@tanstack/react-router'
import { Card } from '../../components/card.tsx'
import { SegmentedBar } from '../../components/segmented-bar.tsx'
import type { Job } from '../../lib/api.ts'
import { duration } from '../../lib/time.ts'

const count = new Intl.NumberFormat()

/** How the tests went that the job's newest attempt reported. */
export function JobTests({ job, tests }: { job: Job; tests: NonNullable<Job['tests']> }) {
  return (
    <Card
      title="Tests"
      action={
        job.batch_id && (
          <Link
            to="/batches/$id"
            params={{ id: job.batch_id }}
            className="rounded text-xs font-medium text-accent hover:underline"
          >
            All of the batch
          </Link>
        )
      }
    >
      <div className="flex flex-col gap-2">
        <SegmentedBar
          label="Tests"
          parts={[
            { kind: 'passed', n: tests.passed },
            { kind: 'failed', n: tests.failed },
            { kind: 'cancelled', n: tests.skipped },
          ]}
        />
        <p className="text-sm text-muted tabular-nums">
          <span className={tests.failed > 0 ? 'font-semibold text-failed' : undefined}>
            {count.format(tests.failed)} failed
          </span>
          , {count.format(tests.passed)} passed{tests.skipped > 0 && `, ${count.format(tests.skipped)} skipped`} of{' '}
          {count.format(tests.total)} in {duration(tests.duration_ms)}
        </p>
      </div>
    </Card>
  )
}
