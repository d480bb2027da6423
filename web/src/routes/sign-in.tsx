import { createFileRoute } from '@tanstack/react-router'
import { SignInPage } from '../features/session/sign-in-form.tsx'

export const Route = createFileRoute('/sign-in')({
  validateSearch: (search): { to?: string; expired?: boolean } => ({
    to: typeof search['to'] === 'string' ? search['to'] : undefined,
    expired: search['expired'] === 'true' || search['expired'] === true ? true : undefined,
  }),
  component: SignInPage,
})
