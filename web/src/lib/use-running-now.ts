import { useLost } from './live-page.ts'
import { useNow } from './use-now.ts'

/** The present time for what goes on: it stands still while nobody can tell whether it still does. */
export function useRunningNow(step: number): number {
  const lost = useLost()
  return useNow(lost ? 0 : step)
}
