import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Suspense } from 'react'
import { Confirm } from '../../components/confirm.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Host } from '../../lib/api.ts'
import { lazyPart } from '../../lib/lazy-part.ts'

const HostDialog = lazyPart(() => import('./host-dialog.tsx'))
const KeyDialog = lazyPart(() => import('./key-dialog.tsx'))
const TestDialog = lazyPart(() => import('./test-dialog.tsx'))

/** What an administrator is about to do. */
export type HostAct =
  | { act: 'add' }
  | { act: 'edit' | 'test' | 'delete' | 'disable'; host: Host }
  | { act: 'keys'; host: Host; problem?: string | null }

interface HostDialogsProps {
  asking: HostAct | null
  onAct: (act: HostAct | null) => void
  onDeleted?: () => void
}

/** The dialogs of lists and of the page of one host. */
export function HostDialogs({ asking, onAct, onDeleted }: HostDialogsProps) {
  const close = () => onAct(null)
  const client = useQueryClient()
  const look = () => void client.invalidateQueries({ queryKey: ['hosts'] })
  const remove = useMutation({
    mutationFn: (name: string) => api.hosts.delete({ name }),
    onSuccess: (_, name) => {
      toast('success', `Host ${name} is deleted`)
      onDeleted?.()
    },
    onSettled: look,
  })
  const disable = useMutation({
    mutationFn: (name: string) => api.hosts.change({ name, enabled: false }),
    onSuccess: (_, name) => toast('success', `Host ${name} is disabled`),
    onSettled: look,
  })
  return (
    <>
      <Suspense>
        {asking?.act === 'add' && (
          <HostDialog host={null} onClose={close} onMade={(host, problem) => onAct({ act: 'keys', host, problem })} />
        )}
        {asking?.act === 'edit' && <HostDialog host={asking.host} onClose={close} />}
        {asking?.act === 'keys' && <KeyDialog host={asking.host} problem={asking.problem} onClose={close} />}
        {asking?.act === 'test' && <TestDialog host={asking.host.name} onClose={close} />}
      </Suspense>
      {asking?.act === 'delete' && (
        <Confirm
          open
          onOpenChange={(open) => !open && close()}
          title={`Delete host ${asking.host.name}?`}
          action="Delete host"
          refuse="Keep it"
          danger
          onConfirm={() => remove.mutateAsync(asking.host.name)}
        >
          Its credentials and its confirmed key are gone for good. Jobs that wait for it are refused; what it ran stays
          in the list of jobs.
        </Confirm>
      )}
      {asking?.act === 'disable' && (
        <Confirm
          open
          onOpenChange={(open) => !open && close()}
          title={`Disable host ${asking.host.name}?`}
          action="Disable"
          refuse="Leave it on"
          onConfirm={() => disable.mutateAsync(asking.host.name)}
        >
          Jobs that name it are refused until it is enabled again. What runs there now goes on.
        </Confirm>
      )}
    </>
  )
}
