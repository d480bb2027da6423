/**
 * JUnit XML → test cases, as it streams by. The format has no standard: a root is `testsuites`, `testsuite` or even
 * `testcase`, several may follow one another, and what is not known is passed over. Written by a job, so nothing in it
 * may cost more than its bytes: no document type (hence no entities), no deep nesting, no long names.
 */
import { SaxesParser } from 'saxes'
import { testLimits, type TestCase, type TestReport, type TestStatus } from './test-report.ts'

const deepest = 64

export class JunitError extends Error {}

export interface JunitCases {
  /** Of one file, in pieces. Throws a JunitError at what is no JUnit XML; what came before it stays counted. */
  write(bytes: Buffer): void
  /** The file is over. */
  endFile(): void
  /** The rest of the file will not come. */
  dropFile(): void
  /** Of all files. */
  report(): TestReport
}

interface OpenCase {
  depth: number
  suite: string
  name: string
  durationMs: number
  status: TestStatus
  message: string
  /** Text of a failure, an error. */
  detail: string
}

const troubles = new Set(['failure', 'error', 'rerunFailure', 'rerunError'])

export function createJunitCases(): JunitCases {
  const totals = { total: 0, passed: 0, failed: 0, skipped: 0, durationMs: 0 }
  const failed: TestCase[] = []
  const others: TestCase[] = []
  let textLeft: number = testLimits.textBytes
  let file: {
    parser: SaxesParser<{ fragment: true }>
    head: Buffer | null
    decoder: InstanceType<typeof TextDecoder>
  } | null = null
  let known = false
  let suites: { depth: number; name: string }[] = []
  let open: OpenCase | null = null
  let depth = 0
  let reading = false

  const keep = (done: TestCase): void => {
    totals.total++
    totals[done.status]++
    totals.durationMs += done.durationMs
    const list = done.status === 'failed' ? failed : others
    if (list.length >= testLimits.cases) return
    textLeft -= Buffer.byteLength(done.suite) + Buffer.byteLength(done.name) + Buffer.byteLength(done.message ?? '')
    if (textLeft > 0) list.push(done)
  }
  const onOpen = (name: string, attributes: Record<string, string>): void => {
    depth++
    known ||= /^test(suites?|case)$/.test(name)
    if (depth > deepest) throw new JunitError(`its elements are nested more than ${deepest} deep`)
    if (name === 'testsuite') suites.push({ depth, name: attributes.name ?? '' })
    else if (name === 'testcase' && open === null) open = caseOf(attributes, depth, suites.at(-1)?.name ?? '')
    else if (open !== null && depth === open.depth + 1) {
      if (name === 'skipped') open.status = open.status === 'failed' ? 'failed' : 'skipped'
      else if (name === 'failure' || name === 'error') {
        open.status = 'failed'
        open.message ||= attributes.message ?? attributes.type ?? ''
      }
      reading = troubles.has(name)
    }
  }
  const onClose = (): void => {
    if (open?.depth === depth) {
      keep(finished(open))
      open = null
    }
    if (open !== null && depth === open.depth + 1) reading = false
    if (suites.at(-1)?.depth === depth) suites.pop()
    depth--
  }
  const begin = (): SaxesParser<{ fragment: true }> => {
    // A fragment may have several roots.
    const made = new SaxesParser({ fragment: true })
    ;[suites, open, depth, reading, known] = [[], null, 0, false, false]
    made.on('opentag', (tag) => onOpen(local(tag.name), tag.attributes as Record<string, string>))
    made.on('closetag', onClose)
    const onText = (text: string): void => {
      if (open !== null && reading && open.detail.length < testLimits.messageBytes) {
        open.detail += text.slice(0, testLimits.messageBytes)
      }
    }
    made.on('text', onText)
    made.on('cdata', onText)
    made.on('error', (error) => {
      if (/doctype/i.test(error.message)) throw new JunitError('it has a document type, which is not read')
      throw new JunitError(error.message.replace(/^(\d+):(\d+): /, 'line $1, column $2: '))
    })
    return made
  }

  return {
    write(bytes) {
      file ??= { parser: begin(), head: Buffer.alloc(0), decoder: new TextDecoder() }
      if (file.head === null) return void file.parser.write(file.decoder.decode(bytes, { stream: true }))
      file.head = Buffer.concat([file.head, bytes])
      if (file.head.length >= headBytes) startOf(file)
    },
    endFile() {
      const ended = file
      file = null
      if (ended === null) throw new JunitError('it is empty')
      if (ended.head !== null) startOf(ended)
      ended.parser.write(ended.decoder.decode())
      ended.parser.close()
      if (!known) throw new JunitError('it has no <testsuite> and no <testcase>: it is no JUnit XML')
    },
    dropFile: () => void (file = null),
    report: () => ({ ...totals, cases: [...failed, ...others].slice(0, testLimits.cases) }),
  }
}

/** As much as an XML declaration needs at most. */
const headBytes = 256

/** The declaration: it says the encoding, and a fragment may not have one. */
function startOf(file: {
  parser: { write(text: string): unknown }
  head: Buffer | null
  decoder: InstanceType<typeof TextDecoder>
}): void {
  const head = file.head!
  file.head = null
  const [all = '', encoding = 'utf-8'] =
    /^(?:\xef\xbb\xbf)?\s*<\?xml\b(?:[^?]*?encoding\s*=\s*["']([\w.-]+)["'])?[^?]*\?>/.exec(head.toString('latin1')) ??
    []
  try {
    file.decoder = new TextDecoder(encoding)
  } catch {
    throw new JunitError(`its encoding ${encoding} is not known`)
  }
  file.parser.write(file.decoder.decode(head.subarray(all.length), { stream: true }))
}

const local = (name: string): string => name.slice(name.indexOf(':') + 1)

/** Whole characters. */
const cut = (text: string, letters: number): string => text.slice(0, letters).replaceAll('\0', '\uFFFD').toWellFormed()

function cutBytes(text: string, bytes: number): string {
  const clean = cut(text, bytes)
  const encoded = Buffer.from(clean)
  // Half a character at the end reads as one that stands for it.
  return encoded.length <= bytes ? clean : encoded.toString('utf8', 0, bytes).replace(/\uFFFD+$/, '')
}

/** Node's test runner writes the class `test` for every test; the suite around it says more. */
const suiteOf = (className: string, suite: string): string =>
  className === '' || (className === 'test' && suite !== '') ? suite : className

const caseOf = (attributes: Record<string, string>, depth: number, suite: string): OpenCase => ({
  depth,
  suite: cut(suiteOf(attributes.classname ?? attributes.class ?? '', suite), testLimits.nameLetters),
  name: cut(attributes.name ?? '', testLimits.nameLetters),
  durationMs: millisecondsOf(attributes.time),
  status: attributes.status === 'skipped' || attributes.status === 'notrun' ? 'skipped' : 'passed',
  message: '',
  detail: '',
})

function finished({ suite, name, durationMs, status, message, detail }: OpenCase): TestCase {
  const said = [message.trim(), detail.trim()].filter((text) => text !== '')
  const whole = said.length === 2 && said[1]!.includes(said[0]!) ? said[1]! : said.join('\n')
  return {
    suite,
    name,
    durationMs,
    status,
    message: status === 'failed' && whole !== '' ? cutBytes(whole, testLimits.messageBytes) : null,
  }
}

/** Seconds: `0.25`, `0,25`, `1,234.5`; anything else is 0. */
function millisecondsOf(time: string | undefined): number {
  const plain = (time ?? '').trim()
  const dotted = plain.includes('.') ? plain.replaceAll(',', '') : plain.replace(',', '.')
  const seconds = Number(dotted)
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.round(seconds * 1e6) / 1e3, 3.1e12) : 0
}
