import { expect, test } from 'vitest'
import { changed, parseRate } from './queue.ts'

test('what is not named stays as it is; none takes a limit away', () => {
  const before = { concurrency: 3, rate: { starts: 10, seconds: 60 }, paused: true }
  expect(changed(before, { concurrency: null })).toEqual({ ...before, concurrency: null })
  expect(changed(before, { rate: null, resume: true })).toEqual({ concurrency: 3, rate: null, paused: false })
  expect(changed(undefined, { pause: true })).toEqual({ concurrency: null, rate: null, paused: true })
})

test('a rate is starts per time', () => {
  expect(parseRate('10/1m')).toEqual({ starts: 10, seconds: 60 })
  expect(parseRate('5/s')).toEqual({ starts: 5, seconds: 1 })
  for (const wrong of ['10', '/1m', '1.5/1m', '3/soon']) expect(() => parseRate(wrong)).toThrow()
})
