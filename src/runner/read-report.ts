/** What was picked up of an attempt's files → outputs, test cases, a list of artefacts; in slices: others wait too. */
import { createReadStream } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ReportFound } from '../executors/executor.ts'
import { createJunitCases, JunitError } from '../job/junit.ts'
import { outputLimits, parseOutputs, type Outputs } from '../job/outputs.ts'
import { createPlacedFrames, FrameError, type ReportFrame } from '../job/report-frames.ts'
import { testLimits, type TestReport } from '../job/test-report.ts'
import { createArtifactList, type FoundArtifact } from './found-artifacts.ts'

/** Parsed without a pause; some 2 ms. */
const sliceBytes = 64 * 1024

export interface ReadReport {
  /** Null: no test case was reported. */
  tests: TestReport | null
  outputs: Outputs
  artifacts: FoundArtifact[]
  /** What could not be read of its reports, in words for the user. */
  notes: string[]
  /** The same of its outputs and artefacts. */
  lost: string[]
}

type Section = 'output' | 'junit' | 'artifacts'
const words: Record<Section, string> = { output: 'outputs', junit: 'test reports', artifacts: 'artefacts' }

/** `wanted`: the parts that the job has. */
export async function readReport(
  { path, trouble }: ReportFound,
  wanted: readonly Section[] = ['junit'],
): Promise<ReadReport> {
  const notes: string[] = []
  const lost: string[] = []
  const noteIn =
    (list: string[]) =>
    (text: string): void => {
      if (list.length < testLimits.notes) list.push(text.slice(0, testLimits.noteLetters))
    }
  const cases = createReading(noteIn(notes))
  const output = createOutputs(noteIn(lost))
  const artifacts = createArtifactList(noteIn(lost))
  const over = new Set<string>()
  let section: Section = 'junit'
  const take = (frame: ReportFrame, end: number): void => {
    if (frame.kind === 'section') section = frame.text in words ? (frame.text as Section) : 'junit'
    else if (frame.kind === 'over') over.add(section)
    else if (section === 'output') output.take(frame)
    else if (section === 'artifacts') artifacts.take(frame, end)
    else cases.take(frame)
  }
  let broken: string | undefined
  if (path !== null) {
    const framesOf = createPlacedFrames()
    try {
      for await (const piece of createReadStream(path, { highWaterMark: sliceBytes })) {
        for (const { frame, end } of framesOf(piece as Buffer)) take(frame, end)
        await nextTurn()
      }
    } catch (error) {
      broken = error instanceof FrameError ? error.message : `cannot be read: ${(error as Error).message}`
    }
  }
  for (const part of wanted) {
    const note = noteIn(part === 'junit' ? notes : lost)
    if (trouble !== undefined) note(`its ${words[part]}: ${trouble}`)
    else if (!over.has(part)) note(`its ${words[part]} were not read to the end${broken ? `: ${broken}` : ''}`)
  }
  const tests = cases.tests()
  const parsed = output.parsed()
  return {
    tests: tests.total > 0 ? tests : null,
    outputs: parsed,
    artifacts: artifacts.whole(),
    notes,
    lost,
  }
}

/** One small file. */
function createOutputs(note: (text: string) => void) {
  const pieces: Buffer[] = []
  let whole = false
  return {
    take(frame: ReportFrame): void {
      if (frame.kind === 'data') pieces.push(Buffer.from(frame.bytes))
      else if (frame.kind === 'end') whole = true
      else if (frame.kind === 'cut') note(`its outputs are more than ${outputLimits.fileBytes} bytes: none was taken`)
      // One that was removed says nothing, as an empty one.
      else if (frame.kind === 'broken' && !/No such file/.test(frame.text)) {
        note(`its outputs cannot be read: ${frame.text}`)
      }
    },
    parsed(): Outputs {
      if (!whole) return {}
      const { values, notes } = parseOutputs(Buffer.concat(pieces))
      for (const text of notes) note(text)
      return values
    },
  }
}

function createReading(note: (text: string) => void) {
  const cases = createJunitCases()
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
      }
    },
    tests: () => cases.report(),
  }
}
