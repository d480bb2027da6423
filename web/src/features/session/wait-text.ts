import type { Problem } from '../../lib/problem.ts'

/** For a door that is closed for a while; undefined when it is something else. */
export function waitText(problem: Problem, tooMany: string): string | undefined {
  if (problem.status !== 429) return undefined
  const seconds = problem.retryAfterSeconds ?? 60
  const wait = seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`
  return `Too many ${tooMany}. Please wait ${wait} and try again, or ask an administrator to unlock the account.`
}
