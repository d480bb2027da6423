import { useMutation } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Field, Input } from '../../components/field.tsx'
import { api } from '../../lib/api.ts'
import { problemOf } from '../../lib/problem.ts'
import { useTitle } from '../../lib/use-title.ts'
import { Door, doorForm } from './door.tsx'
import { signIn } from './session.ts'
import { waitText } from './wait-text.ts'

const route = getRouteApi('/reset-password')

/** A new password with the code that an administrator made; whoever sets it is signed in. */
export function ResetPasswordPage() {
  const { username = '' } = route.useSearch()
  const [form, setForm] = useState({ username, code: '', password: '', again: '' })
  const navigate = useNavigate()
  useTitle('New password')
  const differs = form.again !== '' && form.again !== form.password
  const reset = useMutation({
    mutationFn: async () => {
      await api.account.useReset({ username: form.username.trim(), code: form.code, password: form.password })
      await signIn(form.username.trim(), form.password)
    },
    onSuccess: () => navigate({ to: '/overview', replace: true }),
  })
  const problem = reset.isError ? problemOf(reset.error) : undefined
  const errorOf = (field: string) => problem?.fields.find((each) => each.field === field)?.message
  const set = (name: keyof typeof form) => (event: { target: { value: string } }) =>
    setForm({ ...form, [name]: event.target.value })
  return (
    <Door>
      <form
        className={doorForm}
        onSubmit={(event) => {
          event.preventDefault()
          if (!differs) reset.mutate()
        }}
      >
        <h1 className="text-lg font-semibold">Set a new password</h1>
        {problem && problem.fields.length === 0 && <Alert>{waitText(problem, 'wrong codes') ?? problem.message}</Alert>}
        <Field label="Username" error={errorOf('username')}>
          {(binding) => (
            <Input
              {...binding}
              autoComplete="username"
              autoCapitalize="none"
              required
              autoFocus={username === ''}
              value={form.username}
              onChange={set('username')}
            />
          )}
        </Field>
        <Field label="Code" hint="An administrator makes it; it works once, within an hour." error={errorOf('code')}>
          {(binding) => (
            <Input
              {...binding}
              className="font-mono"
              autoComplete="one-time-code"
              autoCapitalize="characters"
              spellCheck={false}
              required
              autoFocus={username !== ''}
              value={form.code}
              onChange={set('code')}
            />
          )}
        </Field>
        <Field label="New password" hint="10 characters or more" error={errorOf('password')}>
          {(binding) => (
            <Input
              {...binding}
              type="password"
              autoComplete="new-password"
              required
              value={form.password}
              onChange={set('password')}
            />
          )}
        </Field>
        <Field label="Once more" error={differs ? 'the two are not the same' : undefined}>
          {(binding) => (
            <Input
              {...binding}
              type="password"
              autoComplete="new-password"
              required
              value={form.again}
              onChange={set('again')}
            />
          )}
        </Field>
        <Button kind="primary" type="submit" busy={reset.isPending}>
          {reset.isPending ? 'Setting…' : 'Set the password and sign in'}
        </Button>
      </form>
      <Link to="/sign-in" className="text-sm text-accent hover:underline">
        Back to the sign-in
      </Link>
    </Door>
  )
}
