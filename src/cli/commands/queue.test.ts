import { expect, test } from 'vitest'
import { Command } from 'commander'
import { changed, define, parseRate, withoutWords } from './queue.ts'

test('what is not named stays as it is; none takes a limit away', () => {
  const before = { concurrency: 3, rate: { starts: 10, seconds: 60 }, paused: true, retain_days: 7, retain_count: null }
  expect(changed(before, { concurrency: null })).toEqual({ ...before, concurrency: null })
  expect(changed(before, { rate: null, resume: true })).toEqual({ ...before, rate: null, paused: false })
  expect(changed(undefined, { pause: true })).toEqual({
    ...{ concurrency: null, rate: null, paused: true, retain_days: null, retain_count: null },
  })
  expect(changed(before, { retainDays: null, retainCount: 0 })).toEqual({
    ...before,
    retain_days: null,
    retain_count: 0,
  })
})

test('the words none and default come through the command line as no value', async () => {
  const root = new Command()
  define(root)
  const set = root.commands.find((one) => one.name() === 'set')!
  set.parseOptions(['--concurrency', 'none', '--rate', 'none', '--retain-days', 'default', '--retain-count', '0'])
  expect(withoutWords(set.opts())).toEqual({ concurrency: null, rate: null, retainDays: null, retainCount: 0 })
})

test('a rate is starts per time', () => {
  expect(parseRate('10/1m')).toEqual({ starts: 10, seconds: 60 })
  expect(parseRate('5/s')).toEqual({ starts: 5, seconds: 1 })
  for (const wrong of ['10', '/1m', '1.5/1m', '3/soon']) expect(() => parseRate(wrong)).toThrow()
})
