import type { Command } from 'commander'
import { exitCodes } from '../exit-codes.ts'
import { globalsOf } from '../globals.ts'
import { print, printJson } from '../render.ts'
import { confirm } from '../prompt.ts'
import { setupLine } from '../setup-line.ts'

export function define(command: Command): void {
  command.option('-y, --yes', 'do it without asking').action(async (options: { yes?: boolean }) => {
    const { applySetup, planSetup } = await import('../../executors/setup.ts')
    const { json } = globalsOf(command)
    const plan = await planSetup()
    const tell = json ? () => {} : print
    for (const facility of plan.present) tell(`✓ ${facility}`)
    if (plan.steps.length === 0) {
      if (json) return printJson({ ...plan, done: true })
      return tell('Nothing is missing.')
    }
    if (options.yes !== true) {
      for (const step of plan.steps) {
        tell(`• ${step.title}${step.manual === undefined ? '' : ` (${step.manual})`}`)
        for (const line of step.commands) tell(`    ${line}`)
      }
    }
    // As root what is left is for a person to do; another user may only lack the right.
    if (options.yes !== true && process.getuid?.() === 0 && plan.steps.every(({ manual }) => manual !== undefined)) {
      process.exitCode = exitCodes.failed
      if (json) return printJson({ ...plan, done: false })
      return tell('Nothing was changed: none of this can be done from here.')
    }
    const agreed = options.yes === true || (!json && (await confirm('Do this now?')))
    if (!agreed) {
      if (!process.stdin.isTTY || json) process.exitCode = exitCodes.failed
      if (json) return printJson({ ...plan, done: false, to_do: setupLine() })
      const why = process.stdin.isTTY ? '' : 'There is no terminal to ask on: '
      return tell(`${why}nothing was changed. To do it: ${setupLine()}`)
    }
    const result = await applySetup(plan, tell)
    if (json) printJson({ ...plan, ...result })
    if (!result.ready) process.exitCode = exitCodes.failed
    else if (!result.done) {
      tell('Jobs can run now. Until the rest is done, a job that names a limit which this host cannot hold is refused,')
      tell('and a default limit that cannot be held is shown on the job as unenforced.')
    }
  })
}
