import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { Field, Input } from '../../components/field.tsx'
import { toast } from '../../components/toasts.ts'
import { api } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { usersQuery } from './queries.ts'
import type { Role } from './user.ts'
import { UserFields, wholeNumber } from './user-fields.tsx'

/** Makes an account; without a password its owner sets one by a code. */
export function AddUserDialog({ onClose }: { onClose: () => void }) {
  const [form, setForm] = useState({ username: '', password: '', role: 'operator' as Role, maxRunning: '100' })
  const client = useQueryClient()
  const add = useMutation({
    mutationFn: () =>
      api.users.create({
        username: form.username.trim(),
        password: form.password,
        role: form.role,
        max_running: wholeNumber(form.maxRunning),
      }),
    onSuccess: (user) => {
      toast('success', `${user.username} may sign in`)
      void client.invalidateQueries({ queryKey: usersQuery.queryKey })
      onClose()
    },
  })
  const problem = add.isError ? problemOf(add.error) : undefined
  const errorOf = (field: string) => problem?.fields.find((each) => each.field === field)?.message
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="Add a user">
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          add.mutate()
        }}
      >
        {problem && problem.fields.length === 0 && <Alert>{problem.message}</Alert>}
        <Field label="Username" error={errorOf('username')}>
          {(binding) => (
            <Input
              {...binding}
              autoFocus
              autoComplete="off"
              autoCapitalize="none"
              value={form.username}
              onChange={(event) => setForm({ ...form, username: event.target.value })}
            />
          )}
        </Field>
        <Field
          label="Password"
          hint="10 characters or more. They can change it; or give them a reset code afterwards."
          error={errorOf('password')}
        >
          {(binding) => (
            <Input
              {...binding}
              type="password"
              autoComplete="new-password"
              value={form.password}
              onChange={(event) => setForm({ ...form, password: event.target.value })}
            />
          )}
        </Field>
        <UserFields
          role={form.role}
          maxRunning={form.maxRunning}
          onChange={(change) => setForm({ ...form, ...change })}
          errorOf={errorOf}
        />
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Leave it</Button>
          <Button kind="primary" type="submit" busy={add.isPending}>
            {add.isPending ? 'Adding…' : 'Add'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
