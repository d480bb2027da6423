import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { Alert } from '../../components/alert.tsx'
import { Button } from '../../components/button.tsx'
import { Field, Input } from '../../components/field.tsx'
import { problemOf, type Problem } from '../../lib/problem.ts'
import { Door, doorForm } from './door.tsx'
import { safeTarget } from './safe-target.ts'
import { signIn } from './session.ts'
import { waitText } from './wait-text.ts'

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
    <Door>
      <form onSubmit={(event) => void submit(event)} className={doorForm}>
        <h1 className="text-lg font-semibold">Sign in</h1>
        {expired && !problem && <Alert kind="note">Your session is over. Please sign in again.</Alert>}
        {problem && <Alert>{waitText(problem, 'wrong passwords') ?? problem.message}</Alert>}
        <Field label="Username">
          {(binding) => (
            <Input {...binding} name="username" autoComplete="username" autoCapitalize="none" required autoFocus />
          )}
        </Field>
        <Field label="Password">
          {(binding) => <Input {...binding} name="password" type="password" autoComplete="current-password" required />}
        </Field>
        <Button kind="primary" type="submit" busy={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </Button>
        <Link to="/reset-password" className="self-center text-sm text-accent hover:underline">
          I have a reset code
        </Link>
      </form>
      <div className="max-w-sm text-center text-sm text-muted">
        <p>
          First time here? The user is <code className="font-mono text-text">admin</code>; its password was printed once
          by <code className="font-mono text-text">runyard up</code>. More people are added with{' '}
          <code className="font-mono text-text">runyard user add</code>. Forgotten? An administrator makes a code with{' '}
          <code className="font-mono text-text">runyard user reset NAME</code>.
        </p>
      </div>
    </Door>
  )
}
