import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Input } from '../../components/field.tsx'
import type { Webhook } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { useWebhookActs } from './use-webhook-acts.ts'

export default function RateDialog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const [text, setText] = useState(String(webhook.per_minute))
  const { setRate } = useWebhookActs()
  const problem = setRate.isError ? problemOf(setRate.error) : undefined
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`How many a minute: ${webhook.name}`}>
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          setRate.mutate({ webhook, perMinute: Number(text) }, { onSuccess: onClose })
        }}
      >
        {problem && problem.fields.length === 0 && <Alert>{problem.message}</Alert>}
        <Field
          label="Signed requests a minute, at most"
          hint="1 to 6,000. More are answered with 429, and when to come again."
          error={problem && problem.fields.length > 0 ? 'must be a whole number from 1 to 6,000' : undefined}
        >
          {(binding) => (
            <Input {...binding} inputMode="numeric" value={text} onChange={(event) => setText(event.target.value)} />
          )}
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Leave it</Button>
          <Button kind="primary" type="submit" busy={setRate.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
