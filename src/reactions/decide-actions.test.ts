import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { actionSchema, actionTimes, type Action } from '../job/event-action.ts'
import { terminalStates } from '../job/state.ts'
import { comesNext, decideActions, withinAll, type RunEnd } from './decide-actions.ts'

const action = (over: object = {}): Action => actionSchema.parse({ name: 'a', do: { rerun: {} }, ...over })
const end = (over: Partial<RunEnd> = {}): RunEnd => ({ state: 'succeeded', condition: null, isRerun: false, ...over })

describe('which actions come next', () => {
  // By state: on success, failure, always; `condition` is beside it.
  test.each([
    ['succeeded', [true, false, true]],
    ['failed', [false, true, true]],
    ['timed_out', [false, true, true]],
    ['oom_killed', [false, true, true]],
    ['lost', [false, true, true]],
    ['cancelled', [false, false, true]],
    ['skipped', [false, false, true]],
  ] as const)('after %s', (state, expected) => {
    const on = (['success', 'failure', 'always'] as const).map((when) =>
      comesNext(action({ on: when }), end({ state })),
    )
    expect(on).toEqual(expected)
    for (const [condition, comes] of [
      [true, true],
      [false, false],
      [null, false],
    ] as const) {
      expect(comesNext(action({ on: 'condition' }), end({ state, condition }))).toBe(comes)
    }
    expect(comesNext(action({ on: 'always', enabled: false }), end({ state }))).toBe(false)
  })

  test("the seed's words mean the same", () => {
    const words = { ON_SUCCESS: 'success', ON_FAILURE: 'failure', ALWAYS: 'always', ON_CONDITION: 'condition' }
    for (const [word, on] of Object.entries(words)) expect(action({ on: word }).on).toBe(on)
  })
})

test('a condition that is false skips, one that cannot be evaluated refuses, and both are told', async () => {
  const answers: Record<string, boolean | { problem: string }> = { yes: true, no: false, bad: { problem: 'is bad' } }
  const actions = ['yes', 'no', 'bad'].map((text) => action({ name: text, if: text, do: { event: { event: 'e' } } }))
  const decided = await decideActions(actions, end(), async (text) => answers[text]!)
  expect(decided.map(({ state, reason }) => [state, reason])).toEqual([
    ['due', null],
    ['skipped', 'its condition was false'],
    ['refused', 'its condition is bad'],
  ])
})

test('conditions that take long together are not all asked', async () => {
  let now = 0
  const evaluate = withinAll(
    async () => {
      now += 1000
      return true
    },
    () => now,
  )
  const actions = [1, 2, 3, 4, 5].map((i) => action({ name: `a${i}`, if: 'x', do: { event: { event: 'e' } } }))
  const decided = await decideActions(actions, end(), evaluate)
  expect(decided.map(({ state }) => state)).toEqual(['due', 'due', 'due', 'refused', 'refused'])
  expect(now).toBe(3000)
})

test('a rerun does not rerun once more by itself', async () => {
  const [decided] = await decideActions([action()], end({ isRerun: true }), async () => true)
  expect(decided).toMatchObject({ state: 'skipped', reason: 'the run is itself a rerun' })
})

test('whatever there is: each comes at most once, in order, and its condition is asked only when its time has come', async () => {
  const one = fc.record({
    on: fc.constantFrom(...actionTimes),
    enabled: fc.boolean(),
    condition: fc.constantFrom(undefined, 'true', 'false', 'bad'),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(one, { maxLength: 8 }),
      fc.constantFrom(...terminalStates),
      fc.constantFrom(true, false, null),
      fc.boolean(),
      async (all, state, condition, isRerun) => {
        const actions = all.map(({ on, enabled, condition: text }, i) =>
          action({ name: `a${i}`, on, enabled, ...(text !== undefined && { if: text }) }),
        )
        const asked: string[] = []
        const decided = await decideActions(actions, { state, condition, isRerun }, async (text) => {
          asked.push(text)
          return text === 'bad' ? { problem: 'x' } : text === 'true'
        })
        const names = decided.map((d) => d.action.name)
        expect(names).toEqual(actions.filter((a) => comesNext(a, { state, condition, isRerun })).map((a) => a.name))
        expect(new Set(names).size).toBe(names.length)
        expect(asked.length).toBeLessThanOrEqual(decided.length)
        for (const d of decided) expect(d.state === 'due').toBe(d.reason === null)
      },
    ),
    { numRuns: 100 },
  )
})
