/**
 * Evaluates conditions and fills in templates in a thread of its own: a text that people wrote may ask for more than it
 * should, and then the thread ends and nothing else does.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Worker } from 'node:worker_threads'
import type { Json } from '../lib/json.ts'
import { ExpressionProblem, type Names } from './names.ts'
import type { FillOptions } from './liquid.ts'
import type { Answer, Question } from './worker.ts'

/** Of wall time, on a machine with other things to do: what is sound takes 1 ms. */
export const deadlineMs = 1000
/** For its modules; 150 ms on an idle machine. */
const startMs = 30_000
/** Then it is let go with its 20 MB. */
const idleMs = 30_000
const most = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 }

/** Bundled, the entry stands beside this code as plain JavaScript. */
const entry = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './expression-worker.js', import.meta.url)

/** Rejects with `ExpressionProblem`: no boolean, an unknown name, too long. */
export async function evaluateCondition(text: string, names: Names): Promise<boolean> {
  return (await ask({ kind: 'condition', text, names: JSON.stringify(names) })) as boolean
}

/**
 * Every text in `json` filled in; one that is a single `{{ … }}` becomes the value itself. Keys stay as they are. Rejects
 * with `ExpressionProblem`.
 */
export async function fillTemplates(json: Json, names: Names, options: FillOptions = {}): Promise<Json> {
  // Most have none, and need no thread.
  if (!/\{[{%]/.test(JSON.stringify(json))) return json
  return ask({ kind: 'templates', json, names: JSON.stringify(names), options })
}

/** Of one account in a minute of this process: the thread is everybody's, and what is sound takes 1 ms. */
const mostSpentMs = 5000
const spent = new Map<string, { ms: number; since: number }>()
const payer = new AsyncLocalStorage<string>()

/** What `work` asks for is on this account: one whose texts took too long lately is answered that at once. */
export const chargedTo = <T>(account: string, work: () => Promise<T>): Promise<T> => payer.run(account, work)

/** Answers what it has spent in this minute. */
export function charge(account: string, ms: number): number {
  const now = performance.now()
  const before = spent.get(account)
  const one = before === undefined || now - before.since > 60_000 ? { ms: 0, since: now } : before
  one.ms += ms
  spent.delete(account)
  spent.set(account, one)
  if (spent.size > 1000) spent.delete(spent.keys().next().value!)
  return one.ms
}

let last: Promise<unknown> = Promise.resolve()
/** One at a time: the deadline is each one's own. */
function ask(question: Question): Promise<Json> {
  const account = payer.getStore()
  const asked = last.then(() => (account === undefined ? askThread(question) : askFor(account, question)))
  last = asked.catch(() => {})
  return asked
}

async function askFor(account: string, question: Question): Promise<Json> {
  if (charge(account, 0) > mostSpentMs) {
    throw new ExpressionProblem(
      `is not asked: expressions of this account took more than ${mostSpentMs} ms in a minute`,
    )
  }
  await (thread ??= startThread())
  const since = performance.now()
  try {
    return await askThread(question)
  } finally {
    charge(account, performance.now() - since)
  }
}

let thread: Promise<Worker> | undefined
let idle: NodeJS.Timeout | undefined

async function askThread(question: Question): Promise<Json> {
  clearTimeout(idle)
  const worker = await (thread ??= startThread())
  const answer = await answerWithin(worker, question)
  idle = setTimeout(letGo, idleMs)
  idle.unref()
  if ('value' in answer) return answer.value
  if ('problem' in answer) throw new ExpressionProblem(answer.problem)
  throw new Error(answer.defect)
}

function letGo(): void {
  const old = thread
  thread = undefined
  void old?.then((worker) => worker.terminate())
}

function startThread(): Promise<Worker> {
  const worker = new Worker(entry, { env: {}, resourceLimits: most })
  worker.unref()
  const started = new Promise<Worker>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the thread for expressions does not start')), startMs)
    worker.once('message', () => {
      clearTimeout(late)
      resolve(worker)
    })
    worker.once('error', reject)
  })
  const over = (): void => {
    if (thread === started) thread = undefined
  }
  worker.on('error', over)
  worker.on('exit', over)
  started.catch(over)
  return started
}

function answerWithin(worker: Worker, question: Question): Promise<Answer> {
  return new Promise((resolve) => {
    const end = (answer: Answer): void => {
      clearTimeout(timer)
      worker.off('message', end)
      worker.off('error', gone)
      worker.off('exit', gone)
      // Between questions it holds nobody back who would go.
      worker.unref()
      resolve(answer)
    }
    const gone = (): void => end({ problem: 'needs more memory than an expression gets' })
    const timer = setTimeout(() => {
      letGo()
      end({ problem: `is not done within ${deadlineMs} ms` })
    }, deadlineMs)
    worker.ref()
    worker.on('message', end)
    worker.on('error', gone)
    worker.on('exit', gone)
    worker.postMessage(question)
  })
}
