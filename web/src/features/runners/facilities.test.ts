import { expect, test } from 'vitest'
import { facilitiesOf, sharesOf } from './facilities.ts'

const facilities = {
  cgroup: 'none',
  limits: { cpu: { by: 'cgroup cpu', held: true }, memory_bytes: { held: false, reason: 'no cgroup' }, new_limit: {} },
  isolation: { full: false, reason: 'no user namespaces' },
  inputs: {
    data: { ok: true, since: '2026-11-22T12:00:00Z', reason: null },
    nfs: { ok: false, reason: 'does not answer' },
  },
}

test('tells what is held by what, and why something is not', () => {
  expect(facilitiesOf(facilities)).toEqual([
    { name: 'Isolation', held: false, detail: 'no user namespaces' },
    { name: 'CPU', held: true, detail: 'cgroup cpu' },
    { name: 'Memory', held: false, detail: 'no cgroup' },
    { name: 'new_limit', held: false, detail: '' },
  ])
  expect(sharesOf(facilities)).toEqual([
    { name: 'data', held: true, detail: '' },
    { name: 'nfs', held: false, detail: 'does not answer' },
  ])
})

test.each([null, undefined, 'text', [], { limits: null, inputs: 3 }])(
  'what a foreign runner says (%j) breaks nothing',
  (said) => {
    expect(facilitiesOf(said)).toEqual([])
    expect(sharesOf(said)).toEqual([])
  },
)
