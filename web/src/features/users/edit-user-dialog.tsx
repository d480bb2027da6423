import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Checkbox } from '../../components/checkbox.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { toast } from '../../components/toasts.ts'
import { api } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { useMe } from '../session/session.ts'
import { usersQuery } from './queries.ts'
import { stateOf, type User } from './user.ts'
import { UserFields, wholeNumber } from './user-fields.tsx'

/** Role, cap and state of an account; says beforehand what ends with the change. */
export function EditUserDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const own = useMe()?.username === user.username
  const [form, setForm] = useState({ role: user.role, maxRunning: String(user.max_running), disabled: user.disabled })
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: (unlock: boolean) =>
      unlock
        ? api.users.change({ username: user.username, unlock: true })
        : api.users.change({
            username: user.username,
            max_running: wholeNumber(form.maxRunning),
            ...(form.role !== user.role && { role: form.role }),
            ...(form.disabled !== user.disabled && { disabled: form.disabled }),
          }),
    onSuccess: (_user, unlock) => {
      toast('success', unlock ? `${user.username} may try again` : `${user.username} is changed`)
      void client.invalidateQueries({ queryKey: usersQuery.queryKey })
      onClose()
    },
  })
  const problem = save.isError ? problemOf(save.error) : undefined
  const errorOf = (field: string) => problem?.fields.find((each) => each.field === field)?.message
  const ends = form.role !== user.role || form.disabled !== user.disabled
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`Change ${user.username}`}>
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate(false)
        }}
      >
        {problem && problem.fields.length === 0 && <Alert>{problem.message}</Alert>}
        {/* Always: also the wait of one address, which the account does not show, ends with it. */}
        <Alert
          kind="note"
          action={
            <Button size="small" busy={save.isPending} onClick={() => save.mutate(true)}>
              Unlock
            </Button>
          }
        >
          {stateOf(user, Date.now()) === 'locked'
            ? 'Too many wrong passwords were given for this account.'
            : 'Kept out after wrong passwords? Unlocking forgets them, and they may try again at once.'}
        </Alert>
        <UserFields
          role={form.role}
          maxRunning={form.maxRunning}
          ownRole={own}
          onChange={(change) => setForm({ ...form, ...change })}
          errorOf={errorOf}
        />
        <label className="flex items-center gap-2 text-sm font-medium">
          <Checkbox
            checked={form.disabled}
            disabled={own}
            onChange={(event) => setForm({ ...form, disabled: event.target.checked })}
          />
          Disabled: nobody signs in with it; its open jobs go on
        </label>
        {ends && <Alert kind="note">Saving ends the sessions and API tokens of {user.username} at once.</Alert>}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Leave as it is</Button>
          <Button kind="primary" type="submit" busy={save.isPending}>
            {save.isPending ? 'Saving…' : 'Save'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
