import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Confirm } from '../../components/confirm.tsx'
import { toast } from '../../components/toasts.ts'
import { api } from '../../lib/api.ts'
import { usersQuery } from './queries.ts'
import type { User } from './user.ts'

export function DeleteUser({ user, onClose }: { user: User; onClose: () => void }) {
  const client = useQueryClient()
  const remove = useMutation({
    mutationFn: () => api.users.delete({ username: user.username }),
    onSuccess: () => toast('success', `${user.username} is deleted`),
    onSettled: () => client.invalidateQueries({ queryKey: usersQuery.queryKey }),
  })
  const { open_jobs: open } = user.usage
  return (
    <Confirm
      open
      onOpenChange={(stays) => !stays && onClose()}
      title={`Delete ${user.username}?`}
      action="Delete"
      refuse="Keep it"
      danger
      onConfirm={() => remove.mutateAsync()}
    >
      {open > 0 && `${open === 1 ? 'Their open job is' : `Their ${open} open jobs are`} cancelled. `}
      Sessions, API tokens and certificates end at once. What they ran stays under their name, which is not given again.
      To keep somebody out for a while, disable the account instead.
    </Confirm>
  )
}
