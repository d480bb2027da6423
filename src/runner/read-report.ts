/** What was picked up of an attempt's report files → test cases, in slices: the runner has other attempts to serve. */
import { createReadStream } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ReportFound } from '../executors/executor.ts'
import { createJunitCases, JunitError } from '../job/junit.ts'
import { createReportFrames, FrameError, type ReportFrame } from '../job/report-frames.ts'
import { testLimits, type TestReport } from '../job/test-report.ts'

/** Parsed without a pause; some 2 ms. */
const sliceBytes = 64 * 1024

export interface ReadReport {
  /** Null: no test case was reported. */
  tests: TestReport | null
  /** What could not be read, in words for the user. */
  notes: string[]
}

export async function readReport({ path, trouble }: ReportFound): Promise<ReadReport> {
  const notes: string[] = []
  const note = (text: string): void => {
    if (notes.length < testLimits.notes) notes.push(text.slice(0, testLimits.noteLetters))
  }
  const reading = createReading(note)
  if (path !== null) {
    const framesOf = createReportFrames()
    try {
      for await (const piece of createReadStream(path, { highWaterMark: sliceBytes })) {
        for (const frame of framesOf(piece as Buffer)) reading.take(frame)
        await nextTurn()
      }
    } catch (error) {
      note(error instanceof FrameError ? error.message : `its test reports cannot be read: ${(error as Error).message}`)
    }
  }
  if (trouble !== undefined) note(`its test reports: ${trouble}`)
  else if (!reading.over()) note('its test reports were not read to the end')
  const tests = reading.tests()
  return { tests: tests.total > 0 ? tests : null, notes }
}

function createReading(note: (text: string) => void) {
  const cases = createJunitCases()
  let over = false
  let file = ''
  let broken = false
  /** Whatever the file's mistake is, the others are read all the same. */
  const attempt = (act: () => void): void => {
    try {
      if (!broken) act()
    } catch (error) {
      broken = true
      cases.dropFile()
      note(`test report ${file}: ${error instanceof JunitError ? error.message : String(error)}`)
    }
  }
  return {
    take(frame: ReportFrame): void {
      if (frame.kind === 'file') [file, broken] = [frame.text, false]
      else if (frame.kind === 'data') attempt(() => cases.write(frame.bytes))
      else if (frame.kind === 'end') attempt(() => cases.endFile())
      else if (frame.kind === 'missing') note(`no test report at ${frame.text}`)
      else if (frame.kind === 'broken') {
        note(`test report ${file} cannot be read${frame.text === '' ? '' : `: ${frame.text}`}`)
        cases.dropFile()
      } else if (frame.kind === 'cut') {
        note('its test reports are larger than 8 MiB or more than 1,000 files; the rest was not read')
        cases.dropFile()
      } else over = true
    },
    over: () => over,
    tests: () => cases.report(),
  }
}
