import { useState } from 'react'
import { Alert } from '../../../components/alert.tsx'
import { Button } from '../../../components/button.tsx'
import { Dialog } from '../../../components/dialog.tsx'
import { Field, Input } from '../../../components/field.tsx'

interface SaveDialogProps {
  /** The version that it will be. */
  number: number
  busy: boolean
  problem: string | undefined
  onSave: (note: string | undefined) => void
  onClose: () => void
}

/** Asks why, before a new version: whoever looks at it in a year is glad of a word. */
export default function SaveDialog({ number, busy, problem, onSave, onClose }: SaveDialogProps) {
  const [note, setNote] = useState('')
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`Save as version ${number}`}>
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          if (!busy) onSave(note.trim() || undefined)
        }}
      >
        {problem && <Alert>{problem}</Alert>}
        <Field label="Why" optional hint="Stands beside the version">
          {(binding) => (
            <Input {...binding} maxLength={500} value={note} onChange={(event) => setNote(event.target.value)} />
          )}
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Go on editing</Button>
          <Button kind="primary" type="submit" busy={busy}>
            {busy ? 'Saving…' : 'Save'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
