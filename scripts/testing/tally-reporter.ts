/**
 * A vitest reporter that writes the tally of all projects to the file named by RUNYARD_TEST_TALLY; after each test file,
 * so that a run which is ended from outside still says what it saw.
 */
import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'
import { emptyTally, type Tally } from './tally.ts'

const firstLine = (text: string): string => text.split('\n')[0] ?? ''

function count(module: TestModule, tally: Tally, whySkipped: string | undefined): void {
  const where = `[${module.project.name}] ${module.relativeModuleId}`
  // A file that does not even load has no tests that could fail.
  for (const error of module.errors()) {
    tally.failed++
    tally.failures.push(`${where}: ${firstLine(error.message)}`)
  }
  for (const test of module.children.allTests()) {
    const what = `${where} > ${test.fullName}`
    const result = test.result()
    if (result.state === 'passed') tally.passed++
    else if (result.state === 'failed') {
      tally.failed++
      tally.failures.push(what)
    } else {
      const reason = result.state === 'skipped' ? result.note : 'it did not run to its end'
      tally.skipped.push({ what, reason: reason ?? whySkipped ?? 'its condition for this host is not met' })
    }
  }
}

export default class TallyReporter implements Reporter {
  #seen = emptyTally()
  #whySkipped = new Map<string, string>()

  #write(tally: Tally, complete: boolean): void {
    writeFileSync(process.env.RUNYARD_TEST_TALLY ?? 'tally.json', JSON.stringify({ ...tally, complete }))
  }

  /** `test.skipIf` takes no reason: a file that uses it prints `skipped: …` once. */
  onUserConsoleLog({ taskId, content }: { taskId?: string; content: string }): void {
    const said = /^skipped: (.+)$/m.exec(content)?.[1]
    if (taskId && said) this.#whySkipped.set(taskId.split('_')[0]!, said)
  }

  #count(module: TestModule, tally: Tally): void {
    count(module, tally, this.#whySkipped.get(module.id.split('_')[0]!))
  }

  onTestModuleEnd(module: TestModule): void {
    this.#count(module, this.#seen)
    this.#write(this.#seen, false)
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly { message: string }[], reason: string): void {
    const tally = emptyTally()
    for (const module of modules) this.#count(module, tally)
    for (const error of unhandled) {
      tally.failed++
      tally.failures.push(`outside of any test: ${firstLine(error.message)}`)
    }
    this.#write(tally, reason !== 'interrupted')
  }
}
