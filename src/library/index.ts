/** Isolated, limited processes from a program of your own, without a server: `import { startJob } from 'runyard'`. */
export { startJob, type Job, type JobStatus } from './job.ts'
export type { JobLimits, JobOptions } from './options.ts'
export type { JobOutcome, JobUsage } from './outcome.ts'
export { maxLineBytes, type LogLine } from './lines.ts'
export type { LogChunk, LogReader, ReaderOptions } from './reader.ts'
export { AppError, isAppError, type ErrorCode, type FieldProblem } from '../lib/app-error.ts'
