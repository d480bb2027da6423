/** Reads definitions without holding up whoever asks: what is large, in a thread of its own. */
import { Worker } from 'node:worker_threads'
import { AppError } from '../lib/app-error.ts'
import { readPipelines, type DefinitionFile, type ReadDefinitions } from './read-yaml.ts'

/** 30 ms; 10,000 tasks are 1 MB and 700 ms. A thread that begins costs 150 ms. */
const atOnceBytes = 64 * 1024
const mostMs = 60_000
const most = { maxOldGenerationSizeMb: 1024 }

/** Bundled, the entry stands beside this code as plain JavaScript. */
const entry = new URL(import.meta.url.endsWith('.ts') ? './read-worker.ts' : './read-worker.js', import.meta.url)

export function readApart(files: readonly DefinitionFile[], { strict }: { strict: boolean }): Promise<ReadDefinitions> {
  const bytes = files.reduce((sum, { text }) => sum + text.length, 0)
  if (bytes <= atOnceBytes) return Promise.resolve(readPipelines(files, { strict }))
  return new Promise((resolve, reject) => {
    const worker = new Worker(entry, { workerData: { files, strict }, resourceLimits: most })
    const refuse = (why: string) => (cause?: unknown) =>
      reject(new AppError('resource_exhausted', `definitions of ${bytes} characters ${why}: divide them`, { cause }))
    const timer = setTimeout(() => {
      refuse(`were not read within ${mostMs / 1000} s`)()
      void worker.terminate()
    }, mostMs)
    worker.once('message', resolve)
    worker.once('error', refuse('cannot be read'))
    worker.once('exit', () => {
      clearTimeout(timer)
      // After an answer this is no news.
      refuse('were not read')()
    })
  })
}
