export interface SetupStep {
  /** What it is for, one line. */
  title: string
  /** The exact command lines, as a person would type them. */
  commands: string[]
  /** Why it cannot be done from here; then the person has to type the commands. */
  manual?: string
}

export interface SetupPlan {
  /** Facilities that are there already. */
  present: string[]
  steps: SetupStep[]
}

export async function planSetup(): Promise<SetupPlan> {
  throw new Error('under construction')
}

/** Runs the plan's steps that can be run from here; `say` gets one line per thing done or left to do. */
export async function applySetup(_plan: SetupPlan, _say: (line: string) => void): Promise<{ done: boolean }> {
  throw new Error('under construction')
}
