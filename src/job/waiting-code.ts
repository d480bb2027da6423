/** Why a job waits, as a code; the sentence beside it is made in `queue/explain-waiting.ts`. */
export const waitingCodes = [
  'dependency',
  'delay',
  'backoff',
  'queue_paused',
  'queue_limit',
  'rate_limit',
  'user_cap',
  'no_matching_runner',
  'affinity',
  'anti_affinity',
  'no_capacity',
  'ready',
  'starting',
] as const
export type WaitingCode = (typeof waitingCodes)[number]
