import { AppError } from '../lib/app-error.ts'
import type { Runyard } from './create-runyard.ts'
import type { RunyardOptions } from './options.ts'

export type { Runyard, ScheduleOptions, StopOptions } from './create-runyard.ts'
export type { RunyardOptions } from './options.ts'
export type { RunHandle } from './run-handle.ts'
export type { HostAuthenticate, HostPerson, HostRequest } from '../access/host-people.ts'

/** The server compresses logs with what Node has since then (zstd); startJob and the client need Node 20 only. */
const leastNode = 24

/** Throws AppError: wrong settings, or a data directory that another Runyard uses. */
export async function createRunyard(options: RunyardOptions): Promise<Runyard> {
  const major = Number(process.versions.node.split('.', 1)[0])
  if (major < leastNode) {
    const needs = `createRunyard needs Node ${leastNode} or later; this program runs on ${process.versions.node}`
    throw new AppError('failed_precondition', `${needs} (the command line brings a Node of its own)`)
  }
  // A program that only starts jobs, or only calls a server, does not load one.
  const embedded = await import('./create-runyard.ts')
  return embedded.createRunyard(options)
}
