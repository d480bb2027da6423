/** What conditions and templates may speak of: plain JSON by name, e.g. `outcome`, `output`, `vars`. */
export type Names = Record<string, unknown>

/** Of an action; what else speaks of something (the assertions of an HTTP request) says its own. */
export const actionNames = ['outcome', 'output', 'condition', 'input', 'event', 'vars', 'iteration'] as const

/** Of the assertions of an HTTP request: what came back. */
export const answerNames = ['status', 'headers', 'body', 'json', 'duration_ms'] as const

/** What an expression cannot be read or evaluated for, in words for people. Whoever asks again gets the same answer. */
export class ExpressionProblem extends Error {
  override readonly name = 'ExpressionProblem'
}
