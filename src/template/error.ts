/** Why a template cannot be used: one sentence with its place, fit to be shown to the one who wrote it. */
export class TemplateError extends Error {
  /** From 1. */
  readonly line: number
  /** In characters, from 1. */
  readonly column: number

  constructor(message: string, line: number, column: number) {
    super(message)
    this.name = 'TemplateError'
    this.line = line
    this.column = column
  }
}

/** `at` counts UTF-16 units from the beginning of `text`. */
export function errorAt(name: string, text: string, at: number, problem: string): TemplateError {
  const before = text.slice(0, at)
  const line = before.split('\n').length
  const column = Array.from(before.slice(before.lastIndexOf('\n') + 1)).length + 1
  return new TemplateError(`${name}:${line}:${column}: ${problem}`, line, column)
}

/** What is wrong, before its place is known: thrown by functions, given a place by who called them. */
export class Problem extends Error {}
