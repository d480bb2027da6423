/** A batch as it is asked for; the wire's schema is in `api/contract/batches.ts`. */
import type { FieldProblem } from '../lib/app-error.ts'
import type { Fields } from './batch-defaults.ts'
import type { Matrix, Scalar } from './matrix.ts'

/** When a channel is told of a batch's end: always, when a job failed, when all passed, when none failed but not all ran. */
export const notifyOn = ['ended', 'failed', 'passed', 'cancelled'] as const
export interface Notify {
  /** Name of a channel. */
  channel: string
  on: (typeof notifyOn)[number][]
}

export interface BatchDocument extends Matrix {
  name?: string | undefined
  description?: string | undefined
  defaults?: Fields | undefined
  jobs?: Fields[] | undefined
  /** Of the matrix. */
  job?: Fields | undefined
  params?: Record<string, Scalar> | undefined
  notify?: Notify[] | undefined
  /** What was wrong with the document itself, and is left out of it. */
  wrong?: readonly FieldProblem[]
}
