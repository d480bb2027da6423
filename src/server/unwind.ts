/** What was started is stopped in reverse, each step with a deadline: one that hangs or fails must not keep the rest. */
import { emitFact } from '../lib/facts.ts'

export interface Unwind {
  add(name: string, stop: () => Promise<unknown> | void, deadlineMs?: number): void
  /** Idempotent; never rejects. */
  run(): Promise<void>
}

export function createUnwind(): Unwind {
  const steps: { name: string; stop: () => Promise<unknown> | void; deadlineMs: number }[] = []
  let running: Promise<void> | undefined

  const runAll = async (): Promise<void> => {
    for (;;) {
      const step = steps.pop()
      if (step === undefined) return
      await runStep(step.name, step.stop, step.deadlineMs)
    }
  }
  return {
    add(name, stop, deadlineMs = 5_000) {
      steps.push({ name, stop, deadlineMs })
    },
    run: () => (running ??= runAll()),
  }
}

async function runStep(name: string, stop: () => Promise<unknown> | void, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, deadlineMs, 'late')
  })
  try {
    const result = await Promise.race([(async () => stop())(), late])
    if (result === 'late') emitFact({ name: 'server.stop_late', level: 'warn', step: name, after_ms: deadlineMs })
  } catch (error) {
    emitFact({ name: 'server.stop_failed', level: 'warn', step: name, error: String(error) })
  } finally {
    clearTimeout(timer)
  }
}
