import type { FieldProblem } from '../../../lib/problem.ts'

/** A mistake as it is shown: once, however many jobs have it. */
export interface ShownProblem {
  /** Inside the job when it is of several: `command`. */
  field: string
  message: string
  /** `in all 4 jobs`; empty when it is of one place. */
  where: string
  /** The place as the server names it, of the first one. */
  first: string
}

/** The same in many combinations or members is one thing to put right. `total`: how many jobs there are. */
export function groupProblems(problems: readonly FieldProblem[], total: number | undefined): ShownProblem[] {
  const groups = new Map<string, { own: FieldProblem; inside: string; message: string; n: number }>()
  for (const own of problems) {
    const [, kind, inside = ''] = /^(matrix|jobs)\[\d+\]\.?(.*)$/.exec(own.field) ?? []
    // The values of the combination stand behind the message; they are what differs.
    const message = kind === 'matrix' ? own.message.replace(/ \([^()]*=[^()]*\)$/, '') : own.message
    const key = kind === undefined ? JSON.stringify(own) : JSON.stringify([kind, inside, message])
    const group = groups.get(key)
    if (group) group.n += 1
    else groups.set(key, { own, inside, message, n: 1 })
  }
  return [...groups.values()].map(({ own, inside, message, n }) =>
    n === 1
      ? { field: own.field, message: own.message, where: '', first: own.field }
      : { field: inside, message, where: n === total ? `in all ${n} jobs` : `in ${n} jobs`, first: own.field },
  )
}

/** The field of the form that a problem of a single job belongs to: `matrix[3].command` is `job.command`. */
export const formField = (field: string): string => field.replace(/^(?:matrix|jobs)\[\d+\](?=\.)/, 'job')
