import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Input } from '../../components/field.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Certificate } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'

/** Asks for the reason, too: it is kept with the certificate and in the audit log. */
export function RevokeDialog({ certificate, onClose }: { certificate: Certificate; onClose: () => void }) {
  const [reason, setReason] = useState('')
  const client = useQueryClient()
  const revoke = useMutation({
    mutationFn: () =>
      api.certificates.revoke({ id: certificate.id, ...(reason.trim() !== '' && { reason: reason.trim() }) }),
    onSuccess: () => {
      toast('success', `The certificate of ${certificate.name} is revoked`)
      void client.invalidateQueries({ queryKey: ['certificates'] })
      onClose()
    },
  })
  const machine = certificate.role === 'runner' || certificate.role === 'server'
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Revoke the certificate of ${certificate.name}?`}
      description={
        machine
          ? 'Its connections end at once. What a runner is running is given to another one, and the machine has to be enrolled again.'
          : 'Its connections end at once. This cannot be taken back; a new one can be issued.'
      }
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          revoke.mutate()
        }}
      >
        {revoke.isError && <Alert>{problemOf(revoke.error).message}</Alert>}
        <Field label="Reason" optional>
          {(binding) => (
            <Input
              {...binding}
              maxLength={500}
              autoComplete="off"
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          )}
        </Field>
        <div className="flex justify-end gap-2">
          <Button autoFocus onClick={onClose}>
            Keep it
          </Button>
          <Button kind="danger" type="submit" busy={revoke.isPending}>
            {revoke.isPending ? 'Revoking…' : 'Revoke'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
