import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Input } from '../../components/field.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type Image } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'

/** Ties an entry to one image for good. */
export default function PinDialog({ image, onClose }: { image: Image; onClose: () => void }) {
  const [digest, setDigest] = useState('')
  const client = useQueryClient()
  const pin = useMutation({
    mutationFn: () => api.images.pin({ name: image.name, digest: digest.trim() || undefined }),
    onSuccess: () => {
      toast('success', `Image ${image.name} is pinned`)
      void client.invalidateQueries({ queryKey: ['images'] })
      onClose()
    },
  })
  const problem = pin.isError ? problemOf(pin.error) : undefined
  const field = problem?.fields.find((one) => one.field === 'digest')?.message
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Pin ${image.name}`}
      description="Its reference then names one image by its digest, whatever becomes of the tag."
    >
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          if (!pin.isPending) pin.mutate()
        }}
      >
        <code className="rounded-md bg-sunken px-3 py-1.5 font-mono text-xs break-all">{image.reference}</code>
        {problem && !field && <Alert>{problem.message}</Alert>}
        <Field
          label="Digest"
          optional
          error={field}
          hint="Empty: of the image that runners have under this reference; they must agree"
        >
          {(binding) => (
            <Input
              {...binding}
              className="font-mono"
              autoComplete="off"
              placeholder="sha256:…"
              value={digest}
              onChange={(event) => setDigest(event.target.value)}
            />
          )}
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Leave it open</Button>
          <Button kind="primary" type="submit" busy={pin.isPending}>
            {pin.isPending ? 'Pinning…' : 'Pin'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
