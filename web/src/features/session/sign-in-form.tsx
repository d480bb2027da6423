import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Field, Input } from '../../components/field.tsx'
import { problemOf, type Problem } from '../../lib/problem.ts'
import { Logo } from '../shell/logo.tsx'
import { safeTarget } from './safe-target.ts'
import { signIn } from './session.ts'

export function SignInPage() {
  const { to, expired } = useSearch({ from: '/sign-in' })
  const navigate = useNavigate()
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    setBusy(true)
    setProblem(null)
    try {
      await signIn(String(form.get('username')), String(form.get('password')))
      await navigate({ href: safeTarget(to), replace: true })
    } catch (error) {
      setProblem(problemOf(error))
      setBusy(false)
    }
  }

  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-6 px-4 py-10">
      <div className="flex items-center gap-3">
        <Logo className="size-9" />
        <span className="text-2xl font-semibold tracking-tight">Runyard</span>
      </div>
      <form
        onSubmit={(event) => void submit(event)}
        className="flex w-full max-w-sm flex-col gap-4 rounded-lg border border-line bg-surface p-6"
      >
        <h1 className="text-lg font-semibold">Sign in</h1>
        {expired && !problem && <Alert kind="note">Your session is over. Please sign in again.</Alert>}
        {problem && <Alert>{explain(problem)}</Alert>}
        <Field label="Username">
          {(binding) => (
            <Input {...binding} name="username" autoComplete="username" autoCapitalize="none" required autoFocus />
          )}
        </Field>
        <Field label="Password">
          {(binding) => <Input {...binding} name="password" type="password" autoComplete="current-password" required />}
        </Field>
        <Button kind="primary" type="submit" disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </Button>
      </form>
      <div className="max-w-sm text-center text-sm text-muted">
        <p>
          First time here? The user is <code className="font-mono text-text">admin</code>; its password was printed once
          by <code className="font-mono text-text">runyard up</code>. More people are added with{' '}
          <code className="font-mono text-text">runyard user add</code>.
        </p>
      </div>
    </main>
  )
}

function explain(problem: Problem): string {
  if (problem.status === 429) {
    const seconds = problem.retryAfterSeconds ?? 60
    const wait = seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`
    return `Too many wrong passwords. Please wait ${wait} and try again.`
  }
  return problem.message
}
