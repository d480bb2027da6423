import { describe, expect, test } from 'vitest'
import { createJunitCases } from './junit.ts'
import { testLimits, testReportSchema } from './test-report.ts'

function read(xml: string | Buffer, piece = 7) {
  const cases = createJunitCases()
  const bytes = Buffer.from(xml as string)
  for (let at = 0; at < bytes.length; at += piece) cases.write(bytes.subarray(at, at + piece))
  cases.endFile()
  const report = cases.report()
  expect(testReportSchema.parse(report)).toEqual(report)
  return report
}

describe('what writers of JUnit XML write', () => {
  test('pytest', () => {
    const xml = `<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" errors="0" failures="1" skipped="1" tests="3" time="0.042">
      <testcase classname="tests.test_a" name="test_one[\u00e9]" time="0.001" />
      <testcase classname="tests.test_a" name="test_two" time="0.250"><failure message="assert 1 == 2">def test_two():
&gt;       assert 1 == 2</failure></testcase>
      <testcase classname="tests.test_a" name="test_three" time="0"><skipped type="pytest.skip" message="no net">why</skipped></testcase>
      </testsuite></testsuites>`
    expect(read(xml)).toEqual({
      ...{ total: 3, passed: 1, failed: 1, skipped: 1, durationMs: 251 },
      cases: [
        {
          suite: 'tests.test_a',
          name: 'test_two',
          status: 'failed',
          durationMs: 250,
          message: 'def test_two():\n>       assert 1 == 2',
        },
        { suite: 'tests.test_a', name: 'test_one[\u00e9]', status: 'passed', durationMs: 1, message: null },
        { suite: 'tests.test_a', name: 'test_three', status: 'skipped', durationMs: 0, message: null },
      ],
    })
  })

  test('suites within suites, and the name of the nearest where a case names no class', () => {
    const xml = `<testsuites><testsuite name="outer"><testsuite name="inner"><testcase name="a"/></testsuite>
      <testcase name="b"/></testsuite></testsuites>`
    expect(read(xml).cases.map(({ suite, name }) => [suite, name])).toEqual([
      ['inner', 'a'],
      ['outer', 'b'],
    ])
  })

  test('several roots, prefixes, an error, a decimal comma', () => {
    const xml = `<j:testsuite xmlns:j="u"><j:testcase name="a" time="1,5"><j:error type="Boom"/></j:testcase></j:testsuite>
      <testsuite><testcase name="b" time="1,234.5"/><testcase name="c" time="soon"/></testsuite>`
    expect(read(xml).cases).toMatchObject([
      { name: 'a', status: 'failed', durationMs: 1500, message: 'Boom' },
      { name: 'b', durationMs: 1_234_500 },
      { name: 'c', durationMs: 0 },
    ])
  })

  test('a failed case whose flaky re-run passed is what its report says it is', () => {
    const xml = '<testsuite><testcase name="a"><flakyFailure message="x"/></testcase></testsuite>'
    expect(read(xml)).toMatchObject({ passed: 1, failed: 0 })
  })

  test('output of a case is passed over, a failure in it is none', () => {
    const xml = '<testsuite><testcase name="a"><system-out>x<failure/></system-out></testcase></testsuite>'
    expect(read(xml)).toMatchObject({ passed: 1, failed: 0 })
  })

  test('another encoding', () => {
    const xml = Buffer.from(
      '<?xml version="1.0" encoding="ISO-8859-1"?><testsuite><testcase name="\u00e4"/></testsuite>',
      'latin1',
    )
    expect(read(xml).cases[0]!.name).toBe('\u00e4')
  })
})

describe('what is refused', () => {
  test.each([
    ['', 'it is empty'],
    ['<html><body/></html>', 'it is no JUnit XML'],
    ['words', 'it is no JUnit XML'],
    ['<testsuite><testcase name="a">', 'unclosed tag'],
    ['<!DOCTYPE a [<!ENTITY b "c">]><testsuite/>', 'a document type'],
    ['<testsuite><testcase name="&b;"/></testsuite>', 'undefined entity'],
    [`${'<testsuite>'.repeat(65)}`, 'nested more than 64 deep'],
    ['<?xml version="1.0" encoding="klingon"?><testsuite/>', 'klingon'],
  ])('%s', (xml, why) => {
    expect(() => read(xml)).toThrow(why)
  })

  test('what came before the break is counted', () => {
    const cases = createJunitCases()
    expect(() => {
      cases.write(Buffer.from(`<testsuite><testcase name="a"/>${' '.repeat(300)}<testcase name=`))
      cases.endFile()
    }).toThrow()
    cases.write(Buffer.from('<testsuite><testcase name="b"/></testsuite>'))
    cases.endFile()
    expect(cases.report()).toMatchObject({ total: 2, passed: 2 })
  })
})

test('bounds: the totals count all, failed cases are kept first, names and messages are cut', () => {
  const many = testLimits.cases + 10
  const xml = `<testsuite>${'<testcase name="ok"/>'.repeat(many)}<testcase name="${'n'.repeat(1000)}"><failure>${'\u00e9'.repeat(5000)}</failure></testcase></testsuite>`
  const report = read(xml, 65536)
  expect(report).toMatchObject({ total: many + 1, passed: many, failed: 1 })
  expect(report.cases).toHaveLength(testLimits.cases)
  expect(report.cases[0]).toMatchObject({ status: 'failed', name: 'n'.repeat(300), message: '\u00e9'.repeat(1024) })
})

test('all text together is bounded', () => {
  const failure = `<testcase name="a"><failure>${'x'.repeat(2048)}</failure></testcase>`
  const report = read(`<testsuite>${failure.repeat(4000)}</testsuite>`, 65536)
  expect(report.failed).toBe(4000)
  expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThan(testLimits.textBytes * 1.2)
})
