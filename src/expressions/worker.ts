/** The thread of `evaluate.ts`: one question after the other. Names come as JSON, so that nothing but data comes. */
import { parentPort } from 'node:worker_threads'
import type { Json } from '../lib/json.ts'
import { evaluate } from './cel.ts'
import { fill, type FillOptions } from './liquid.ts'
import { ExpressionProblem, type Names } from './names.ts'

export type Question =
  | { kind: 'condition'; text: string; names: string }
  | { kind: 'templates'; json: Json; names: string; options: FillOptions }
export type Answer = { value: Json } | { problem: string } | { defect: string }

parentPort?.on('message', (question: Question) => parentPort?.postMessage(answer(question)))
parentPort?.postMessage('ready')

function answer(question: Question): Answer {
  try {
    const names = JSON.parse(question.names) as Names
    if (question.kind === 'condition') return { value: evaluate(question.text, names) }
    return { value: fill(question.json, names, question.options) }
  } catch (error) {
    return error instanceof ExpressionProblem ? { problem: error.message } : { defect: String(error) }
  }
}
