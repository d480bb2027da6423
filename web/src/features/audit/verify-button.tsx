import { useMutation } from '@tanstack/react-query'
import { ShieldCheck } from 'lucide-react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { api } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { problemText } from './problem-text.ts'

const count = new Intl.NumberFormat()

/** Walks the whole chain, which may take a while, and says what it found. */
export function VerifyButton() {
  const verify = useMutation({ mutationFn: () => api.audit.verify() })
  const verdict = verify.data
  return (
    <>
      <Button onClick={() => verify.mutate()} busy={verify.isPending}>
        <ShieldCheck aria-hidden className="size-3.5" /> {verify.isPending ? 'Verifying…' : 'Verify'}
      </Button>
      {(verdict || verify.isError) && (
        <Dialog open onOpenChange={() => verify.reset()} title="Is the log as it was written?">
          <div className="flex flex-col gap-4">
            {verify.isError && <Alert>{problemOf(verify.error).message}</Alert>}
            {verdict?.ok && (
              <Alert kind="note" title="It holds">
                All {count.format(verdict.checked)} sealed entries are there, unchanged and in their order.
              </Alert>
            )}
            {verdict && !verdict.ok && (
              <Alert title="It does not hold">
                <ul className="list-disc pl-4">
                  {verdict.problems.map((problem) => (
                    <li key={`${problem.kind} ${problem.seq} ${problem.audit_id}`}>{problemText(problem)}</li>
                  ))}
                </ul>
              </Alert>
            )}
            {verdict?.head && (
              <>
                <p className="text-sm text-muted">
                  Keep this head somewhere else. With it, a later check also finds a log that was made anew or cut off
                  at the end:
                </p>
                <CopyLine text={`runyard audit verify --head ${verdict.head.seq}:${verdict.head.hash}`} />
              </>
            )}
            <div className="flex justify-end">
              <Button onClick={() => verify.reset()}>Close</Button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  )
}
