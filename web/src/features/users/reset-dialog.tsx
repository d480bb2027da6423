import { useMutation } from '@tanstack/react-query'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { api } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'

/** Makes a code for a new password; it is shown as long as the dialog is open, and never again. */
export function ResetDialog({ username, onClose }: { username: string; onClose: () => void }) {
  const make = useMutation({ mutationFn: () => api.users.createReset({ username }) })
  const address = `${location.origin}/reset-password?username=${encodeURIComponent(username)}`
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`A new password for ${username}`}>
      <div className="flex flex-col gap-4">
        {make.isError && <Alert>{problemOf(make.error).message}</Alert>}
        {make.data ? (
          <>
            <p>
              Give {username} this code and the address, in a way that only they can read. It works once and ends{' '}
              <RelativeTime at={make.data.expires_at} className="font-medium" />.
            </p>
            <CopyLine what="code" text={make.data.code} />
            <CopyLine what="address" text={address} />
            <p className="text-sm text-muted">The code is not shown again. A new one takes its place.</p>
          </>
        ) : (
          <p>
            This makes a code with which {username} sets a new password. Their sessions and tokens go on until they use
            it.
          </p>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{make.data ? 'Done' : 'Leave it'}</Button>
          {!make.data && (
            <Button kind="primary" busy={make.isPending} onClick={() => make.mutate()}>
              {make.isPending ? 'Making…' : 'Make a code'}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  )
}
