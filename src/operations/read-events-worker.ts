/** The thread of `read-events-apart.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import { readEventYaml } from './read-event-yaml.ts'

parentPort?.postMessage(readEventYaml(workerData as string))
