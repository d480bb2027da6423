import type { Runyard } from './create-runyard.ts'
import type { RunyardOptions } from './options.ts'

export type { Runyard, ScheduleOptions, StopOptions } from './create-runyard.ts'
export type { RunyardOptions } from './options.ts'
export type { RunHandle } from './run-handle.ts'
export type { HostAuthenticate, HostPerson, HostRequest } from '../access/host-people.ts'

/** Throws AppError: wrong settings, or a data directory that another Runyard uses. */
export async function createRunyard(options: RunyardOptions): Promise<Runyard> {
  // A program that only starts jobs, or only calls a server, does not load one.
  const embedded = await import('./create-runyard.ts')
  return embedded.createRunyard(options)
}
