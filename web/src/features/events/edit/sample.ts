import type { EventRunDetail } from '../../../lib/api.ts'

/** What conditions and templates are tried with before there is a run. */
export const firstSample = {
  outcome: { state: 'succeeded', success: true, exit_code: 0, message: null, duration_seconds: 12.4, attempts: 1 },
  output: { total: 12 },
  condition: true,
  input: null,
  event: { name: 'example', run_id: 'aaaaaaaaaaaa' },
  vars: {},
  iteration: 1,
}

const names = ['outcome', 'output', 'condition', 'input', 'event', 'vars', 'iteration']

/** The names of a sample that the server knows; null while it cannot be read. */
export function namesOf(text: string): Record<string, unknown> | null {
  try {
    const read: unknown = JSON.parse(text)
    if (typeof read !== 'object' || read === null || Array.isArray(read)) return null
    return Object.fromEntries(Object.entries(read).filter(([name]) => names.includes(name)))
  } catch {
    return null
  }
}

/** The sample with what a run has shown. */
export function withRun(sample: string, run: EventRunDetail): string {
  try {
    const before = JSON.parse(sample) as typeof firstSample
    const success = run.state === 'succeeded'
    const next = {
      ...before,
      outcome: { ...before.outcome, state: run.state, success, exit_code: run.exit_code, message: run.error },
      output: run.output?.json ?? run.output?.text ?? null,
      condition: run.condition ?? false,
      input: run.input?.json ?? run.input?.text ?? null,
    }
    return JSON.stringify(next, null, 2)
  } catch {
    return sample
  }
}
