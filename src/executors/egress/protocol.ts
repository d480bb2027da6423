/** Between the process that has the attempts and the one that has their ways out: one JSON document per line. */
export type EgressCall =
  /** `name`: of the directory that is made for it. */
  { n: number; op: 'open'; name: string; list: string[]; allow: string[] } | { n: number; op: 'close'; name: string }

export type EgressReply =
  /** `refused`: of `close`: what it was not let to, the first ones. */
  { n: number; ok: true; refused?: string[] } | { n: number; ok: false; error: string }

/** In the directory of a way out. */
export const socketName = 'proxy'
