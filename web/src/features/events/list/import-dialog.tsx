import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Badge } from '../../../components/badge.tsx'
import { Button } from '../../../components/button.tsx'
import { Dialog, DialogFooter } from '../../../components/dialog.tsx'
import { Field, Select, TextArea } from '../../../components/field.tsx'
import { toast } from '../../../components/toasts.ts'
import { api } from '../../../lib/api.ts'
import { problemOf } from '../../../lib/problem.ts'
import { visibleText } from '../../../lib/visible-text.ts'

type Existing = 'refuse' | 'update' | 'skip'
const choices: Record<Existing, string> = {
  refuse: 'Refuse the document',
  update: 'Make a new version of it',
  skip: 'Leave it as it is',
}

/** Events from a YAML document, first tried without effect. */
export default function ImportDialog({ onClose }: { onClose: () => void }) {
  const [yaml, setYaml] = useState('')
  const [existing, setExisting] = useState<Existing>('refuse')
  const client = useQueryClient()
  const send = useMutation({
    mutationFn: (dryRun: boolean) => api.events.import({ yaml, existing, dry_run: dryRun }),
    onSuccess: ({ results }, dryRun) => {
      if (dryRun) return
      toast(
        'success',
        results.length === 1 ? `${results[0]!.name}: ${results[0]!.outcome}` : `${results.length} events`,
      )
      void client.invalidateQueries({ queryKey: ['events'] })
      onClose()
    },
  })
  const change = (act: () => void) => {
    send.reset()
    act()
  }
  const problem = send.isError ? problemOf(send.error) : undefined
  const tried = send.variables === true ? send.data?.results : undefined
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Import events"
      description="YAML as an event's own export, or a list of them under events."
      className="sm:w-[44rem]"
    >
      <div className="flex flex-col gap-4">
        {problem && (
          <Alert title={problem.message}>
            <ul className="list-inside list-disc">
              {problem.fields.slice(0, 8).map(({ field, message }, index) => (
                <li key={index}>
                  <code className="font-mono text-xs">{field}</code> {message}
                </li>
              ))}
            </ul>
          </Alert>
        )}
        <Field label="Document">
          {(binding) => (
            <TextArea
              {...binding}
              rows={12}
              className="font-mono text-sm"
              placeholder={'name: backup\nkind: bash\nscript: |\n  tar czf - /data | ...'}
              value={yaml}
              onChange={(event) => change(() => setYaml(event.target.value))}
            />
          )}
        </Field>
        <div className="flex flex-wrap items-end gap-4">
          <input
            type="file"
            accept=".yml,.yaml,.json"
            aria-label="Read it from a file"
            className="text-sm text-muted"
            onChange={async (event) => {
              const file = event.target.files?.[0]
              const text = await file?.text()
              if (text !== undefined) change(() => setYaml(text))
            }}
          />
          <Field label="Where a name is taken" className="w-56">
            {(binding) => (
              <Select
                {...binding}
                value={existing}
                onChange={(event) => change(() => setExisting(event.target.value as Existing))}
              >
                {Object.entries(choices).map(([key, text]) => (
                  <option key={key} value={key}>
                    {text}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        {tried && (
          <ul aria-label="What would happen" className="rounded-md border border-line bg-sunken px-3 py-2 text-sm">
            {tried.map(({ name, outcome }) => (
              <li key={name} className="flex items-center gap-2 py-0.5">
                <Badge tone={outcome === 'created' ? 'good' : outcome === 'updated' ? 'accent' : 'plain'}>
                  {outcome}
                </Badge>
                {visibleText(name)}
              </li>
            ))}
          </ul>
        )}
        <DialogFooter>
          <Button onClick={onClose}>Cancel</Button>
          <Button busy={send.isPending} disabled={yaml.trim() === ''} onClick={() => send.mutate(true)}>
            Try without effect
          </Button>
          <Button kind="primary" busy={send.isPending} disabled={yaml.trim() === ''} onClick={() => send.mutate(false)}>
            Import
          </Button>
        </DialogFooter>
      </div>
    </Dialog>
  )
}
