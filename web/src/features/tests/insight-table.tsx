import { Link } from '@tanstack/react-router'
import { RelativeTime } from '../../components/relative-time.tsx'
import { SegmentedBar } from '../../components/segmented-bar.tsx'
import { Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import type { TestInsight } from '../../lib/api.ts'
import { duration } from '../../lib/time.ts'
import { visibleText } from '../../lib/visible-text.ts'
import { TestStatus } from '../batches/batch-tests.tsx'
import { count } from '../batches/count-words.tsx'

export function InsightTable({ tests }: { tests: readonly TestInsight[] }) {
  return (
    <Table label="Tests">
      <TableHead>
        <Th>Test</Th>
        <Th>Passed and failed</Th>
        <Th number>Runs</Th>
        <Th number>Failed</Th>
        <Th number>Changes</Th>
        <Th number>Mean</Th>
        <Th number>Longest</Th>
        <Th>Last</Th>
      </TableHead>
      <tbody>
        {tests.map((test) => (
          <Tr key={`${test.suite} ${test.name}`}>
            <Td className="max-w-48 sm:max-w-md">
              <Link
                to="/jobs/$id"
                params={{ id: test.last_job_id }}
                className="block truncate font-medium hover:underline"
                title={`Last job of ${visibleText(test.name)}`}
              >
                {visibleText(test.name)}
              </Link>
              <span className="block truncate text-xs text-muted" title={visibleText(test.suite)}>
                {visibleText(test.suite)}
              </span>
            </Td>
            <Td>
              <SegmentedBar
                className="h-2 w-28"
                label={`Runs of ${visibleText(test.name)}`}
                parts={[
                  { kind: 'passed', n: test.passed },
                  { kind: 'failed', n: test.failed },
                ]}
              />
            </Td>
            <Td number>{count.format(test.runs)}</Td>
            <Td number className={test.failed > 0 ? 'font-semibold text-failed' : 'text-muted'}>
              {count.format(test.failed)}
            </Td>
            <Td number>{count.format(test.flips)}</Td>
            <Td number>{duration(test.mean_ms)}</Td>
            <Td number>{duration(test.max_ms)}</Td>
            <Td>
              <span className="flex items-center gap-2">
                <TestStatus status={test.last_status} />
                <Link
                  to="/jobs/$id"
                  params={{ id: test.last_job_id }}
                  className="rounded text-accent underline underline-offset-2"
                >
                  <span className="sr-only">Last job of {visibleText(test.name)}: </span>
                  <RelativeTime at={test.last_at} />
                </Link>
              </span>
            </Td>
          </Tr>
        ))}
      </tbody>
    </Table>
  )
}
