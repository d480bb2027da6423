import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Confirm } from '../../components/confirm.tsx'
import { toast } from '../../components/toasts.ts'
import { api } from '../../lib/api.ts'

export function DeleteImage({ name, onClose }: { name: string; onClose: () => void }) {
  const client = useQueryClient()
  const remove = useMutation({
    mutationFn: () => api.images.delete({ name }),
    onSuccess: () => toast('success', `Image ${name} is deleted`),
    onSettled: () => void client.invalidateQueries({ queryKey: ['images'] }),
  })
  return (
    <Confirm
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete image ${name}?`}
      action="Delete image"
      refuse="Keep it"
      danger
      onConfirm={() => remove.mutateAsync()}
    >
      Jobs that wait for it are refused, and credentials of its registry are gone for good. Engines keep what they have.
    </Confirm>
  )
}
