import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Badge, type BadgeTone } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { CopyLine } from '../../components/copy-line.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { Table, TableHead, Td, Th, Tr } from '../../components/table.tsx'
import { api, type SealingKey } from '../../lib/api.ts'
import { keysQuery } from './queries.ts'

const states: Record<SealingKey['state'], { label: string; tone: BadgeTone; meaning: string }> = {
  current: { label: 'In use', tone: 'good', meaning: 'New values are sealed with it' },
  prepared: { label: 'Prepared', tone: 'warn', meaning: 'Not all servers have it yet' },
  old: { label: 'Being replaced', tone: 'accent', meaning: 'What it sealed is being sealed anew' },
  retired: { label: 'Retired', tone: 'plain', meaning: 'Nothing is left that it opens' },
}

/** Keys that everything secret is stored with, and a new one. For administrators. */
export default function KeysDialog({ onClose }: { onClose: () => void }) {
  const keys = useQuery(keysQuery)
  const client = useQueryClient()
  const [asking, setAsking] = useState(false)
  const rotate = useMutation({
    mutationFn: () => api.sealingKeys.rotate({}),
    onSettled: () => void client.invalidateQueries({ queryKey: ['sealing-keys'] }),
  })
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Sealing keys"
      description="Variables, channels, webhooks, authorities and the environments of jobs are stored sealed with them."
      className="sm:w-[42rem]"
    >
      <div className="flex flex-col gap-4">
        {keys.isPending && <Loading rows={2} label="Loading keys" />}
        {keys.isError && <Failed error={keys.error} retry={() => void keys.refetch()} />}
        {keys.data && (
          <Table label="Sealing keys">
            <TableHead>
              <Th>Key</Th>
              <Th>State</Th>
              <Th number>Values</Th>
              <Th>Since</Th>
              <Th>Missing on</Th>
            </TableHead>
            <tbody>
              {keys.data.map((key) => (
                <Tr key={key.key_id}>
                  <Td className="font-mono text-xs">{key.key_id}</Td>
                  <Td>
                    <Badge tone={states[key.state].tone} title={states[key.state].meaning}>
                      {states[key.state].label}
                    </Badge>
                  </Td>
                  <Td number>{key.values.toLocaleString()}</Td>
                  <Td muted>
                    <RelativeTime at={key.used_at ?? key.added_at} />
                  </Td>
                  <Td className={key.missing_on.length > 0 ? 'text-failed' : 'text-muted'}>
                    {key.missing_on.join(', ') || 'no server'}
                  </Td>
                </Tr>
              ))}
            </tbody>
          </Table>
        )}
        {rotate.data?.used && (
          <Alert kind="note" title={`Key ${rotate.data.key_id} is in use`}>
            Everything is sealed anew in the background. The old key is retired when nothing is left; keep it as long as
            backups from before are kept.
          </Alert>
        )}
        {rotate.data && !rotate.data.used && (
          <Alert title="Not in use yet">
            <p>
              {rotate.data.missing_on.join(', ')} {rotate.data.missing_on.length === 1 ? 'lacks' : 'lack'} the key{' '}
              {rotate.data.key_id}. Bring it there, and ask again.
            </p>
            {rotate.data.file && <CopyLine what="file" text={rotate.data.file} className="mt-2" />}
          </Alert>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Close</Button>
          <Button busy={rotate.isPending} onClick={() => setAsking(true)}>
            New key…
          </Button>
        </div>
      </div>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Put a new key to use?"
        action="New key"
        refuse="Keep this one"
        onConfirm={() => rotate.mutateAsync()}
      >
        All that is sealed is sealed anew in the background, while everything goes on. With several servers, each has to
        get the new key first.
      </Confirm>
    </Dialog>
  )
}
