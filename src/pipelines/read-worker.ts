/** The thread of `read-apart.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import { readPipelines, type DefinitionFile } from './read-yaml.ts'

const { files, strict } = workerData as { files: DefinitionFile[]; strict: boolean }
parentPort?.postMessage(readPipelines(files, { strict }))
