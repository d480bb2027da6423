/** Which actions follow the end of a run. Pure but for what evaluates a condition. */
import type { Action } from '../job/event-action.ts'
import type { TerminalState } from '../job/state.ts'

export interface RunEnd {
  state: TerminalState
  /** What the script set; null: nothing. */
  condition: boolean | null
  /** An action `rerun` of its own event began it: that action's loop decides what comes next, not a second one. */
  isRerun: boolean
}

/** True, false, or why it cannot be evaluated. */
export type Evaluate = (condition: string) => Promise<boolean | { problem: string }>

export interface Decision {
  action: Action
  state: 'due' | 'skipped' | 'refused'
  reason: string | null
}

const failures: readonly TerminalState[] = ['failed', 'timed_out', 'oom_killed', 'lost']

/** A cancelled run neither succeeded nor failed: `always` alone follows it, and `condition` when it was set. */
export function comesNext({ on, enabled }: Pick<Action, 'on' | 'enabled'>, { state, condition }: RunEnd): boolean {
  if (!enabled) return false
  if (on === 'always') return true
  if (on === 'condition') return condition === true
  return on === 'success' ? state === 'succeeded' : failures.includes(state)
}

/** In the order of the definition; those whose time has not come are left out. */
export async function decideActions(actions: readonly Action[], end: RunEnd, evaluate: Evaluate): Promise<Decision[]> {
  const decisions: Decision[] = []
  for (const action of actions) {
    if (comesNext(action, end)) decisions.push({ action, ...(await decide(action, end, evaluate)) })
  }
  return decisions
}

async function decide(action: Action, end: RunEnd, evaluate: Evaluate): Promise<Omit<Decision, 'action'>> {
  if (action.do.rerun !== undefined && end.isRerun) {
    return { state: 'skipped', reason: 'the run is itself a rerun' }
  }
  if (action.if === undefined) return { state: 'due', reason: null }
  const holds = await evaluate(action.if)
  if (typeof holds === 'object') return { state: 'refused', reason: `its condition ${holds.problem}` }
  return holds ? { state: 'due', reason: null } : { state: 'skipped', reason: 'its condition was false' }
}

/** For all conditions of one run, beside the deadline of each: whoever writes fifty endless ones holds up nobody for long. */
const conditionsMs = 3000

export function withinAll(evaluate: Evaluate, now = () => performance.now()): Evaluate {
  const over = now() + conditionsMs
  return async (condition) =>
    now() < over ? evaluate(condition) : { problem: 'is not asked: those before it took too long' }
}
