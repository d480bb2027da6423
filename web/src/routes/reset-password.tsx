import { createFileRoute } from '@tanstack/react-router'
import { ResetPasswordPage } from '../features/session/reset-password-page.tsx'

export const Route = createFileRoute('/reset-password')({
  validateSearch: (search): { username?: string } => ({
    username: typeof search['username'] === 'string' ? search['username'].slice(0, 200) : undefined,
  }),
  component: ResetPasswordPage,
})
