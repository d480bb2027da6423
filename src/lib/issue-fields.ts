/** Which fields are wrong, by what the schema library found, each with one sentence. */
import type { FieldProblem } from './app-error.ts'
import { wordsOf, type ZodIssue } from './issue-words.ts'

/** A path as its reader knows it. */
export type WritePath = (path: readonly PropertyKey[]) => string

/** One problem a field, at most 100: a second one is nearly always the same mistake seen twice. */
export function problemsOf(issues: readonly ZodIssue[], write: WritePath = fieldPath): FieldProblem[] {
  // "Beyond what a double holds" says less than the maximum that is wanted.
  const telling = [...issues.filter((issue) => issue.note === undefined), ...issues.filter((issue) => issue.note)]
  return onePerField(telling.flatMap((issue) => fieldsOf(issue, [], write))).slice(0, 100)
}

export function onePerField(problems: readonly FieldProblem[]): FieldProblem[] {
  const seen = new Set<string>()
  return problems.filter(({ field }) => !seen.has(field) && seen.add(field))
}

function fieldsOf(issue: ZodIssue, prefix: readonly PropertyKey[], write: WritePath): FieldProblem[] {
  const path = [...prefix, ...(issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part))]
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map((key) => ({ field: write([...path, key]), message: 'is not a known field' }))
  }
  // Of a union, the branch that came nearest says most.
  const branches = issue.code === 'invalid_union' ? (issue.errors ?? []).filter((branch) => branch.length > 0) : []
  const nearest = branches.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0]
  if (nearest !== undefined && depth(nearest) > 0) return nearest.flatMap((inner) => fieldsOf(inner, path, write))
  const choice = branches.flat().find((inner) => inner.code === 'invalid_value') ?? branches[0]?.[0]
  if (choice !== undefined) return [{ field: write(path), message: wordsOf(choice, path) }]
  if (issue.code === 'invalid_key') {
    return [{ field: write(path), message: issue.issues?.[0]?.message ?? 'is no valid name' }]
  }
  return [{ field: write(path), message: wordsOf(issue, path) }]
}

const depth = (issues: readonly ZodIssue[]): number => Math.max(0, ...issues.map((issue) => issue.path?.length ?? 0))

/** Of a name that a user chose, no more than helps to find it. */
const longestPart = 60
const shortened = (part: string): string => (part.length > longestPart ? `${part.slice(0, longestPart - 1)}…` : part)

/** `['jobs', 3, 'limits', 'memory_bytes']` → `jobs[3].limits.memory_bytes`. */
export function fieldPath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else text += `${text === '' ? '' : '.'}${shortened(String(part))}`
  }
  return text
}
