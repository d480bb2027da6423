import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  canMove,
  heldStates,
  isTerminal,
  jobStates,
  sourcesOf,
  terminalStates,
  transitions,
  waitingStates,
} from './state.ts'

test('the three groups hold every state once', () => {
  expect([...waitingStates, ...heldStates, ...terminalStates].sort()).toEqual([...jobStates].sort())
})

test('nothing leaves a terminal state', () => {
  expect(transitions.filter((move) => isTerminal(move.from))).toEqual([])
})

test.each(jobStates.filter((state) => state !== 'blocked'))('%s can be reached', (state) => {
  const reached = new Set(['blocked'])
  for (let grew = true; grew;) {
    const before = reached.size
    for (const move of transitions) if (reached.has(move.from)) reached.add(move.to)
    grew = reached.size > before
  }
  expect(reached).toContain(state)
})

test.each([...waitingStates, ...heldStates])('%s can be cancelled', (state) => {
  expect(canMove(state, 'cancelled')).toBe(true)
})

test.each([
  ['queued', 'running'],
  ['scheduled', 'leased'],
  ['blocked', 'leased'],
  ['leased', 'lost'],
] as const)('%s to %s: %#', (from, to) => {
  expect(canMove(from, to)).toBe(from === 'leased')
})

test('only a held job ends as succeeded, and only a blocked one is skipped', () => {
  expect(sourcesOf('succeeded')).toEqual([...heldStates])
  expect(sourcesOf('skipped')).toEqual(['blocked'])
  expect(sourcesOf('leased')).toEqual(['queued', 'unknown'])
})

test('the table names files that exist', () => {
  for (const { by } of transitions) expect(existsSync(new URL(`../${by}`, import.meta.url)), by).toBe(true)
})
