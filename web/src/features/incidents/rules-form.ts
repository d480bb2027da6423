import type { FieldProblem } from '../../lib/problem.ts'

export interface Rules {
  channels: string[]
  repeated_times: number
  repeated_seconds: number
  new_patterns: boolean
  close_after_successes: number
  close_after_seconds: number
}

/** Times as people say them: minutes and hours, as they are typed. */
export interface RulesForm {
  channels: string[]
  times: string
  withinMinutes: string
  newPatterns: boolean
  successes: string
  quietHours: string
}

/** At most two places behind the point, without those that say nothing. */
const plain = (n: number) => String(Number(n.toFixed(2)))

export const formOf = (rules: Rules): RulesForm => ({
  channels: rules.channels,
  times: String(rules.repeated_times),
  withinMinutes: plain(rules.repeated_seconds / 60),
  newPatterns: rules.new_patterns,
  successes: String(rules.close_after_successes),
  quietHours: plain(rules.close_after_seconds / 3600),
})

/** What is no number goes to the server as it is: it says what is wrong at the field. */
const number = (text: string, scale = 1): number => {
  const value = Number(text.trim().replace(',', '.'))
  return text.trim() !== '' && Number.isFinite(value) ? Math.round(value * scale) : (text as unknown as number)
}

export const rulesOf = (form: RulesForm): Rules => ({
  channels: form.channels,
  repeated_times: number(form.times),
  repeated_seconds: number(form.withinMinutes, 60),
  new_patterns: form.newPatterns,
  close_after_successes: number(form.successes),
  close_after_seconds: number(form.quietHours, 3600),
})

/** The server speaks of seconds; the field shows minutes or hours. */
export function errorAt(fields: readonly FieldProblem[], field: keyof Rules, range: string): string | undefined {
  return fields.some((one) => one.field === field) ? `must be ${range}` : undefined
}
