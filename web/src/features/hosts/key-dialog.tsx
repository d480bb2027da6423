import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Checkbox } from '../../components/checkbox.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Dialog, DialogFooter } from '../../components/dialog.tsx'
import { Field, TextArea } from '../../components/field.tsx'
import { Loading } from '../../components/page-state.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Host } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { Fold } from '../jobs/submit/fold.tsx'

interface KeyDialogProps {
  host: Host
  /** Just added, and it could not be asked for its keys: why. */
  problem?: string | null
  onClose: () => void
}

/** Which keys the host has now, and which of them are to be trusted from now on; also the answer to a changed key. */
export default function KeyDialog({ host, problem: first = null, onClose }: KeyDialogProps) {
  const client = useQueryClient()
  const scan = useMutation({ mutationFn: () => api.hosts.scan({ name: host.name }) })
  const { mutate: look } = scan
  useEffect(() => {
    if (first === null) look()
  }, [first, look])
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set())
  const [lines, setLines] = useState('')
  const keys = scan.data?.keys ?? []
  const accepted = keys.map(({ fingerprint }) => fingerprint).filter((one) => !left.has(one))
  const pasted = lines.trim() !== ''
  const confirm = useMutation({
    mutationFn: () =>
      api.hosts.confirm({ name: host.name, ...(pasted ? { known_hosts: lines } : { accept: accepted }) }),
    onSuccess: () => {
      toast('success', `The key of ${host.name} is confirmed`)
      void client.invalidateQueries({ queryKey: ['hosts'] })
      onClose()
    },
  })
  const refused = confirm.isError ? problemOf(confirm.error) : undefined
  const changed = host.state === 'key_changed'
  const known = new Set(host.connection?.keys.map(({ fingerprint }) => fingerprint) ?? [])
  const toggle = (fingerprint: string) => {
    const next = new Set(left)
    if (!next.delete(fingerprint)) next.add(fingerprint)
    setLeft(next)
  }
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`Keys of ${host.name}`} className="sm:w-[40rem]">
      <div className="flex flex-col gap-4">
        {changed && (
          <Alert title="It shows another key than the one that was confirmed">
            Either it was set up anew, or somebody stands between. Compare before you trust it; until then no job gets
            there.
          </Alert>
        )}
        {(scan.isPending || (scan.isIdle && first === null)) && (
          <Loading rows={2} label="Asking the host for its keys" />
        )}
        {(scan.isError || (scan.isIdle && first !== null)) && (
          <Alert action={<Button onClick={() => look()}>Ask again</Button>}>
            {scan.isError ? problemOf(scan.error).message : first}
          </Alert>
        )}
        {keys.length > 0 && (
          <ul aria-label="Keys that it shows now" className="flex flex-col rounded-md border border-line">
            {keys.map(({ type, fingerprint }) => (
              <li key={fingerprint} className="border-t border-line first:border-t-0">
                <label className="flex items-start gap-2.5 px-3 py-2 text-sm">
                  <Checkbox
                    className="mt-0.5"
                    checked={!left.has(fingerprint)}
                    disabled={pasted}
                    onChange={() => toggle(fingerprint)}
                  />
                  <span className="min-w-0">
                    <span className="font-medium">{type}</span>
                    <span className={known.has(fingerprint) ? 'ml-2 text-xs text-passed' : 'ml-2 text-xs text-running'}>
                      {known.has(fingerprint) ? 'confirmed before' : 'new'}
                    </span>
                    <code className="block font-mono text-xs break-all text-muted">{fingerprint}</code>
                  </span>
                </label>
              </li>
            ))}
          </ul>
        )}
        {keys.length > 0 && (
          <div className="flex flex-col gap-1.5">
            <p className="text-sm text-muted">Compare with what the host itself says, at its console:</p>
            <CopyLine text="for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done" />
          </div>
        )}
        <Fold
          title="Or from a known_hosts file"
          open={refused?.fields.some(({ field }) => field === 'known_hosts') ?? false}
        >
          <Field
            label="Lines of the file"
            hint="The host is not asked then; lines of other hosts are passed over"
            error={refused?.fields.find(({ field }) => field === 'known_hosts')?.message}
          >
            {(binding) => (
              <TextArea
                {...binding}
                rows={3}
                className="font-mono text-xs"
                value={lines}
                onChange={(event) => setLines(event.target.value)}
              />
            )}
          </Field>
        </Fold>
        {refused && !refused.fields.some(({ field }) => field === 'known_hosts') && (
          <Alert>{refused.fields[0]?.message ?? refused.message}</Alert>
        )}
        <DialogFooter>
          <Button onClick={onClose}>Not now</Button>
          <Button
            kind={changed ? 'danger' : 'primary'}
            busy={confirm.isPending || (!pasted && accepted.length === 0)}
            onClick={() => confirm.mutate()}
          >
            {confirm.isPending ? 'Confirming…' : changed ? 'Trust these keys' : 'Confirm'}
          </Button>
        </DialogFooter>
      </div>
    </Dialog>
  )
}
