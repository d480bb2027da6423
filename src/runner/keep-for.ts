import type { Registered } from './control-plane.ts'

/** 50 s of the usual 60: the keeper's bound lies ten seconds before the server may give the job away. */
export const keepForMs = ({ leaseMs, graceMs }: Pick<Registered, 'leaseMs' | 'graceMs'>): number =>
  Math.round(((leaseMs + graceMs) * 5) / 6)
