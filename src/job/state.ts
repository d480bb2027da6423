/**
 * The legal moves of a job, written once. ARCHITECTURE.md's diagram is drawn from this table, and a test compares
 * the guards in `queue/*.ts` with it.
 */
export const jobStates = [
  'blocked',
  'scheduled',
  'queued',
  'leased',
  'running',
  'unknown',
  'succeeded',
  'failed',
  'timed_out',
  'oom_killed',
  'cancelled',
  'lost',
  'skipped',
] as const
export type JobState = (typeof jobStates)[number]

export const terminalStates = [
  'succeeded',
  'failed',
  'timed_out',
  'oom_killed',
  'cancelled',
  'lost',
  'skipped',
] as const
export type TerminalState = (typeof terminalStates)[number]

/** No attempt holds the job: a cancel ends it at once. */
export const waitingStates = ['blocked', 'scheduled', 'queued'] as const
/** An attempt holds the job: a cancel goes to its runner. */
export const heldStates = ['leased', 'running', 'unknown'] as const

export const isTerminal = (state: JobState): state is TerminalState =>
  (terminalStates as readonly JobState[]).includes(state)

export interface Move {
  from: JobState
  to: JobState
  /** What happened, in one word or two; the label in the diagram. */
  on: string
  /** The file that makes the move. */
  by: string
}

const moves = (from: readonly JobState[], to: readonly JobState[], on: string, by: string): Move[] =>
  from.flatMap((f) => to.map((t) => ({ from: f, to: t, on, by })))

export const transitions: readonly Move[] = [
  ...moves(['blocked'], ['scheduled', 'queued'], 'dependencies met', 'queue/dependents.ts'),
  ...moves(['blocked'], ['skipped'], 'dependency failed', 'queue/dependents.ts'),
  ...moves(['scheduled'], ['queued'], 'time reached', 'queue/promote-due.ts'),
  ...moves(['queued'], ['leased'], 'claimed', 'queue/claim.ts'),
  ...moves(['leased'], ['running'], 'started', 'queue/started.ts'),
  ...moves(['leased', 'running', 'unknown'], ['queued'], 'handed back', 'queue/hand-back.ts'),
  ...moves(['leased', 'running'], ['unknown'], 'lease expired', 'queue/rescue-lost.ts'),
  ...moves(['unknown'], ['leased', 'running'], 'heard again', 'queue/heartbeat.ts'),
  ...moves(
    ['leased', 'running', 'unknown'],
    ['succeeded', 'failed', 'timed_out', 'oom_killed', 'cancelled', 'lost'],
    'finished',
    'queue/finish.ts',
  ),
  ...moves(['leased', 'running', 'unknown'], ['scheduled'], 'failed, attempts left', 'queue/finish.ts'),
  ...moves(['unknown'], ['lost', 'cancelled', 'scheduled'], 'grace over', 'queue/rescue-lost.ts'),
  ...moves(['blocked', 'scheduled', 'queued'], ['cancelled'], 'cancelled', 'queue/cancel.ts'),
]

export const canMove = (from: JobState, to: JobState): boolean =>
  transitions.some((move) => move.from === from && move.to === to)

/** The states a job may be in just before `to`; SQL guards are built from this. */
export const sourcesOf = (to: JobState): JobState[] => [
  ...new Set(transitions.filter((move) => move.to === to).map((move) => move.from)),
]
