import type { ReactNode } from 'react'
import { Logo } from '../shell/logo.tsx'

/** What the pages before one is signed in stand in. */
export function Door({ children }: { children: ReactNode }) {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-6 px-4 py-10">
      <div className="flex items-center gap-3">
        <Logo className="size-9" />
        <span className="text-2xl font-semibold tracking-tight">Runyard</span>
      </div>
      {children}
    </main>
  )
}

export const doorForm = 'flex w-full max-w-sm flex-col gap-4 rounded-lg border border-line bg-surface p-6'
