/** What needs no engine: quoting, marks, frames, demand. */
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { createReportFrames } from '../../job/report-frames.ts'
import { createLinesToFrames } from './files.ts'
import { createDemux } from './frames.ts'
import { createMarks } from './marks.ts'
import { demandAt } from './pool.ts'
import { shellWord } from './quote.ts'

test('a word of a shell is what it was, whatever it holds', () => {
  for (const word of ['', "it's", '$(id)`id`"\\', '\n\n', "'", '-n', 'a\tb', '\u{1f600}', '!x #y ~z *']) {
    expect(execFileSync('sh', ['-c', `printf '%s' ${shellWord(word)}`], { encoding: 'utf8' })).toBe(word)
  }
  expect(() => shellWord('a\0b')).toThrow('NUL')
})

test('marks are taken out wherever a piece ends, and what only looks like one is not', () => {
  const text = 'm-1 run\nhello m-1m-1x\nm-2 end 0\nlast m-1 end 7 0 1000 2000000\n'
  for (let size = 1; size <= text.length; size++) {
    const marks = createMarks('m-1')
    let passed = ''
    for (let at = 0; at < text.length; at += size) {
      passed += marks.take(Buffer.from(text.slice(at, at + size))).toString()
    }
    passed += marks.rest().toString()
    expect(passed).toBe('hello m-1m-1x\nm-2 end 0\nlast ')
    expect(marks.seen).toEqual({ ran: true, end: { code: 7, oomKills: 0, peakBytes: 1000, cpuNs: 2_000_000 } })
  }
})

test('frames of the engine in pieces of any size', () => {
  const frame = (stream: number, text: string): Buffer =>
    Buffer.concat([Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)])
  const all = Buffer.concat([frame(1, 'one'), frame(2, 'err'), frame(1, ''), frame(1, 'two')])
  for (let size = 1; size <= all.length; size++) {
    const demux = createDemux()
    const got = { stdout: '', stderr: '' }
    for (let at = 0; at < all.length; at += size) {
      for (const { stream, bytes } of demux(all.subarray(at, at + size))) got[stream] += bytes.toString()
    }
    expect(got).toEqual({ stdout: 'onetwo', stderr: 'err' })
  }
})

test('lines of files become frames; what is no line of ours is the end of it', () => {
  const text = 'S output\nF /x\nD 4\na\n\nbE\nZ\n'
  for (const size of [1, 3, 100]) {
    const lines = createLinesToFrames()
    const pieces: Buffer[] = []
    for (let at = 0; at < text.length; at += size) pieces.push(lines.take(Buffer.from(text.slice(at, at + size))))
    expect(lines.whole()).toBe(true)
    const frames = createReportFrames()(Buffer.concat(pieces))
    expect(frames.map(({ kind }) => kind).filter((kind) => kind !== 'data')).toEqual(['section', 'file', 'end', 'over'])
  }
  const cut = createLinesToFrames()
  cut.take(Buffer.from('S output\nF /x\nD 400\nabc'))
  expect(cut.whole()).toBe(false)
  expect(() => createLinesToFrames().take(Buffer.from('nonsense\n'))).toThrow('no report')
  expect(() => createLinesToFrames().take(Buffer.from('D -5\n'))).toThrow('no report')
  expect(() => createLinesToFrames().take(Buffer.alloc(9000, 'F'))).toThrow('no report')
})

test('demand is the busiest ten seconds of the last two minutes', () => {
  expect(demandAt([], 0)).toBe(0)
  expect(demandAt([0, 1000, 2000, 30_000], 40_000)).toBe(3)
  expect(demandAt([0, 1000, 2000, 30_000], 125_000)).toBe(1)
  expect(demandAt([0, 9_999, 10_000, 10_001], 11_000)).toBe(3)
})
