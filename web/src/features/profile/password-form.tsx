import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Field, Input } from '../../components/field.tsx'
import { toast } from '../../components/toasts.ts'
import { api } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { signIn } from '../session/session.ts'

const empty = { current: '', password: '', again: '' }

/** A new password for oneself; all sessions end with it, this one begins anew. */
export function PasswordForm({ username }: { username: string }) {
  const [form, setForm] = useState(empty)
  const navigate = useNavigate()
  const differs = form.again !== '' && form.again !== form.password
  const change = useMutation({
    mutationFn: async () => {
      const { current, password } = form
      await api.users.setPassword({ username, password, current_password: current })
      // The change has ended this session, too.
      await signIn(username, password).catch(() => navigate({ to: '/sign-in', search: { expired: true } }))
    },
    onSuccess: () => {
      setForm(empty)
      toast('success', 'Your password is changed', 'All other sessions and your API tokens have ended.')
    },
  })
  const problem = change.isError ? problemOf(change.error) : undefined
  const errorOf = (field: string) => problem?.fields.find((each) => each.field === field)?.message
  const input = (name: keyof typeof empty, autoComplete: string) => (binding: object) => (
    <Input
      {...binding}
      type="password"
      autoComplete={autoComplete}
      required
      value={form[name]}
      onChange={(event) => setForm({ ...form, [name]: event.target.value })}
    />
  )
  return (
    <Card title="Password">
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          if (!differs) change.mutate()
        }}
      >
        {problem && problem.fields.length === 0 && (
          <Alert>{problem.status === 401 ? 'The current password is wrong.' : problem.message}</Alert>
        )}
        <input type="hidden" autoComplete="username" value={username} readOnly />
        <Field label="Current password" error={errorOf('current_password')}>
          {input('current', 'current-password')}
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="New password" hint="10 characters or more" error={errorOf('password')}>
            {input('password', 'new-password')}
          </Field>
          <Field label="Once more" error={differs ? 'the two are not the same' : undefined}>
            {input('again', 'new-password')}
          </Field>
        </div>
        <div className="flex flex-wrap items-center justify-between gap-2">
          <p className="text-sm text-muted">Ends your other sessions and all your API tokens.</p>
          <Button kind="primary" type="submit" busy={change.isPending}>
            {change.isPending ? 'Changing…' : 'Change password'}
          </Button>
        </div>
      </form>
    </Card>
  )
}
