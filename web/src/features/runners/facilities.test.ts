import { expect, test } from 'vitest'
import { elsewhereOf, facilitiesOf, loadOf, sharesOf } from './facilities.ts'

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

test('tells what stands elsewhere: an engine with its warm containers, hosts with their breakers, clusters', () => {
  const warm = [
    { image: 'python', waiting: 2, used: 5, hits: 5, misses: 1 },
    { image: 'node', waiting: 0, used: 0, hits: 0, misses: 0 },
  ]
  const ssh = {
    hosts: [{ name: 'web1', breaker: 'open', failures: 3, connections: 1, sessions: 0, last_error: 'gone' }, 7],
  }
  const elsewhere = {
    container: { engine: 'podman', version: '4.3.1', images: ['a', 'b'], warm },
    ssh,
    slurm: { version: '22.05', partitions: ['main'], problem: 'slurmctld does not answer' },
    later: 'x',
  }
  const nothing = { title: '', problem: null, lines: [], hosts: [] }
  expect(elsewhereOf({ elsewhere })).toEqual([
    {
      ...nothing,
      ...{ executor: 'container', title: 'podman 4.3.1', lines: ['2 images', 'python: 2 warm, 5 of 6 jobs found one'] },
    },
    {
      ...nothing,
      executor: 'ssh',
      hosts: [{ name: 'web1', breaker: 'open', connections: 1, sessions: 0, lastError: 'gone' }],
    },
    {
      ...nothing,
      ...{ executor: 'slurm', title: '22.05', problem: 'slurmctld does not answer', lines: ['partitions main'] },
    },
    { ...nothing, executor: 'later' },
  ])
  const load = { mode: 'follow', cpu: 0.5, memory: 0.25, holding_back: 2, why: 'the host is busy' }
  expect(loadOf({ load })).toEqual({ cpu: '50 %', memory: '25 %', holdingBack: 2, why: 'the host is busy' })
})

test.each([null, undefined, 'text', [], { limits: null, inputs: 3 }])(
  'what a foreign runner says (%j) breaks nothing',
  (said) => {
    expect(facilitiesOf(said)).toEqual([])
    expect(sharesOf(said)).toEqual([])
    expect(elsewhereOf(said)).toEqual([])
    expect(loadOf(said)).toBeNull()
  },
)
