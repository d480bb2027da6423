import type { Facilities } from './executor.ts'

export interface ProbeRow {
  facility: string
  ok: 'yes' | 'no' | 'partly'
  found: string
  /** One line to type or to change; empty when there is nothing to do. */
  fix: string
}

/** What `runyard doctor` prints. */
export async function probeHost(): Promise<ProbeRow[]> {
  throw new Error('under construction')
}

/** What a runner tells the server; `instance` keeps two runners' probes apart. */
export async function probeFacilities(): Promise<Facilities> {
  throw new Error('under construction')
}
