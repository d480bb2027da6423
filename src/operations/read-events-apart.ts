/** Reads events without holding up whoever asks: what is large, in a thread of its own, one after the other. */
import { Worker } from 'node:worker_threads'
import { readEventYaml, type ReadEvents } from './read-event-yaml.ts'

/** Some 50 ms at worst; 1 MiB that was made to hurt takes seconds. A thread that begins costs 150 ms. */
const atOnceCharacters = 16 * 1024
const mostMs = 15_000
const most = { maxOldGenerationSizeMb: 512 }

/** Bundled, the entry stands beside this code as plain JavaScript. */
const entry = new URL(
  import.meta.url.endsWith('.ts') ? './read-events-worker.ts' : './read-events-worker.js',
  import.meta.url,
)

let last: Promise<unknown> = Promise.resolve()

/** What takes too much is told as a mistake of the text. */
export function readEventsApart(text: string): Promise<ReadEvents> {
  if (text.length <= atOnceCharacters) return Promise.resolve(readEventYaml(text))
  const read = last.then(() => readInThread(text))
  last = read
  return read
}

function readInThread(text: string): Promise<ReadEvents> {
  return new Promise((resolve) => {
    const worker = new Worker(entry, { workerData: text, env: {}, resourceLimits: most })
    const refuse = (message: string): void => resolve({ events: [], problems: [{ field: 'yaml', message }] })
    const timer = setTimeout(() => {
      refuse(`is not read within ${mostMs / 1000} s: divide it`)
      void worker.terminate()
    }, mostMs)
    worker.once('message', resolve)
    worker.once('error', () => refuse('cannot be read in so much memory: divide it'))
    worker.once('exit', () => {
      clearTimeout(timer)
      // After an answer this is no news.
      refuse('was not read')
    })
  })
}
