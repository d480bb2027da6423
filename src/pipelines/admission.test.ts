/** Admission as tables, and against a plain model that does one thing after another. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { admit, interruptedByDue, nextToStart, type AdmissionRules, type OpenRuns } from './admission.ts'
import { definitionOf } from './testing/definitions.ts'

const rules = (parts: Partial<AdmissionRules> = {}): AdmissionRules => definitionOf(parts)
const now = 1000
/** `r1` runs since 1; `w1`, `w2:p` (of a partition) wait, due at once; `w3@2000` is due then; `+p` is the new one's partition. */
function open(text: string): OpenRuns {
  const words = text === '' ? [] : text.split(' ')
  const waiting = words.filter((word) => word.startsWith('w'))
  return {
    allWaiting: waiting.length,
    running: words
      .filter((word) => word.startsWith('r'))
      .map((key) => ({ key, admittedAt: Number(key.slice(1)), cancelling: false })),
    waiting: waiting.map((word) => {
      const [, key, partition, dueAt] = /^(w\d+)(?::(\w+))?(?:@(\d+))?$/.exec(word)!
      return { key: key!, partition: partition ?? null, dueAt: Number(dueAt ?? 0) }
    }),
  }
}

const limits = {
  append: {},
  replace: { queue_strategy: 'replace' },
  parts: { queue_strategy: 'partitioned_replace' },
} as const
const none = { ...limits.append, queue_limit: 0 }
const two = { ...limits.append, queue_limit: 2 }
const replace2 = { ...limits.replace, queue_limit: 2 }
const parts2 = { ...limits.parts, queue_partition_limit: 2 }

test.each<[string, Partial<AdmissionRules>, string, string]>([
  ['idle: starts', {}, '', 'start'],
  ['idle: starts, also where nothing may wait', none, '', 'start'],
  ['one of two slots is free', { concurrency: 2 }, 'r1', 'start'],
  ['append, unbounded', {}, 'r1 w1 w2 w3', 'wait 4'],
  ['append, a place left', two, 'r1 w1', 'wait 2'],
  ['append, full', two, 'r1 w1 w2', 'refuse 1 of 1 runs are running and 2 wait, as many as queue_limit allows'],
  ['append, nothing may wait', none, 'r1', 'refuse 1 of 1 runs are running and nothing may wait (queue_limit: 0)'],
  ['replace without a limit has one place', limits.replace, 'r1', 'wait 1'],
  ['replace, full', limits.replace, 'r1 w1', 'wait 1 for w1'],
  ['replace, the last of two', replace2, 'r1 w1 w2', 'wait 2 for w2'],
  ['replace, the limit was lowered', replace2, 'r1 w1 w2 w3 w4', 'wait 2 for w2,w3,w4'],
  [
    'replace, nothing may wait',
    { ...limits.replace, queue_limit: 0 },
    'r1',
    'refuse 1 of 1 runs are running and nothing may wait (queue_limit: 0)',
  ],
  ['a place of its partition is left', parts2, 'r1 w1:p w2:q w3:q +p', 'wait 4'],
  ['its partition is full: at the end of the whole list', parts2, 'r1 w1:p w2:p w3:q +p', 'wait 3 for w2'],
  ['no partition is one too', { ...limits.parts, queue_partition_limit: 1 }, 'r1 w1 w2:p', 'wait 2 for w1'],
  ['a start delay waits although a slot is free', { start_delay_ms: 500 }, '', 'wait 1 due 1500'],
  ['debounce: the delay begins anew', { ...limits.replace, start_delay_ms: 500 }, 'w1@1400', 'wait 1 due 1500 for w1'],
  [
    'two places: the first is left to run out',
    { ...replace2, start_delay_ms: 500 },
    'w1@1100 w2@1400',
    'wait 2 due 1500 for w2',
  ],
  [
    'a delay with nothing to wait on',
    { ...none, start_delay_ms: 1 },
    '',
    'refuse start_delay needs a place on the waiting list, and queue_limit is 0: raise queue_limit',
  ],
  ['those whose delay runs do not hold up others', two, 'w1@2000', 'start'],
  ['interrupts what runs', { ...limits.replace, interrupt_running: true }, 'r1 w1', 'wait 1 for w1 stops r1'],
  [
    'interrupts nothing while a slot is free',
    { ...limits.replace, interrupt_running: true, concurrency: 2 },
    'r1',
    'start',
  ],
  [
    'interrupts all that runs',
    { ...limits.replace, interrupt_running: true, concurrency: 2 },
    'r1 r2',
    'wait 1 stops r1,r2',
  ],
  [
    'interrupts nothing before its delay is over',
    { ...limits.replace, interrupt_running: true, start_delay_ms: 5 },
    'r1',
    'wait 1 due 1005',
  ],
  ['only replace interrupts', { interrupt_running: true }, 'r1', 'wait 1'],
])('%s', (_, parts, list, words) => {
  const partition = /\+(\w+)/.exec(list)?.[1] ?? null
  const decided = admit(rules(parts), open(list), partition, now)
  const told =
    decided.act === 'wait'
      ? [
          `wait ${decided.place}`,
          ...(decided.dueAt === now ? [] : [`due ${decided.dueAt}`]),
          ...(decided.replaces.length > 0 ? [`for ${decided.replaces.join(',')}`] : []),
          ...(decided.interrupts.length > 0 ? [`stops ${decided.interrupts.join(',')}`] : []),
        ].join(' ')
      : decided.act === 'refuse'
        ? `refuse ${decided.reason}`
        : 'start'
  expect(told).toBe(words)
})

test.each<[Partial<AdmissionRules>, string, string]>([
  [{}, 'w1 w2', 'w1'],
  [{ concurrency: 3 }, 'r1 w1 w2 w3', 'w1 w2'],
  [{ concurrency: 2 }, 'w1@2000 w2 w3@1001 w4', 'w2 w4'],
  [{ concurrency: 1 }, 'r1 r2 w1', ''],
])('next to start: %j %s', (parts, list, keys) => {
  expect(nextToStart(rules(parts), open(list), now).join(' ')).toBe(keys)
})

test.each<[string, string, string]>([
  ['ran when the delay was over', 'r1 w1@900', 'r1'],
  ['began after that', 'r950 w1@900', ''],
  ['the delay is not over', 'r1 w1@1001', ''],
  ['another slot is free', 'w1@900', ''],
])('interrupted by a delay that is over: %s', (_, list, keys) => {
  const interrupting = rules({ queue_strategy: 'replace', interrupt_running: true, start_delay_ms: 500 })
  expect(interruptedByDue(interrupting, open(list), now).join(' ')).toBe(keys)
})

interface Plain {
  id: number
  partition: string | null
  due: number
  state: 'waiting' | 'running' | 'ended' | 'replaced' | 'refused' | 'cancelled'
}

/** prunner's description, word by word. */
class Model {
  readonly all: Plain[] = []
  now = 0
  readonly rules: AdmissionRules
  constructor(of: AdmissionRules) {
    this.rules = of
  }
  in(state: Plain['state']): Plain[] {
    return this.all.filter((run) => run.state === state).sort((a, b) => a.id - b.id)
  }
  dequeue(): void {
    for (const run of this.in('waiting')) {
      if (run.due <= this.now && this.in('running').length < this.rules.concurrency) run.state = 'running'
    }
  }
  submit(partition: string | null): void {
    this.dequeue()
    const { start_delay_ms: delay, queue_strategy: strategy, queue_limit: limit } = this.rules
    const run: Plain = { id: this.all.length, partition, due: this.now + delay, state: 'waiting' }
    if (delay === 0 && this.in('running').length < this.rules.concurrency) run.state = 'running'
    else if (strategy === 'append') {
      if (limit !== null && this.in('waiting').length >= limit) run.state = 'refused'
    } else {
      const most = strategy === 'replace' ? (limit ?? 1) : this.rules.queue_partition_limit!
      const list = this.in('waiting').filter((one) => strategy === 'replace' || one.partition === partition)
      if (most === 0) run.state = 'refused'
      else if (list.length >= most) list.at(-1)!.state = 'replaced'
    }
    this.all.push(run)
  }
}

const anyRules = fc
  .record({
    concurrency: fc.integer({ min: 1, max: 3 }),
    queue_limit: fc.option(fc.integer({ min: 0, max: 3 })),
    queue_strategy: fc.constantFrom('append' as const, 'replace' as const, 'partitioned_replace' as const),
    queue_partition_limit: fc.integer({ min: 1, max: 2 }),
    start_delay_ms: fc.constantFrom(0, 0, 10),
  })
  .map((parts) => rules(parts))
const anyStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('submit' as const), partition: fc.constantFrom('p', 'q', null) }),
  },
  fc.record({ do: fc.constantFrom('end' as const, 'cancel' as const), nth: fc.nat(5) }),
  fc.record({ do: fc.constant('tick' as const), ms: fc.integer({ min: 1, max: 12 }) }),
)

test('any submits, ends, cancels and delays: as the model, never above a limit, first come first served', () => {
  fc.assert(
    fc.property(anyRules, fc.array(anyStep, { maxLength: 40 }), (given, steps) => {
      const model = new Model(given)
      let real: Omit<OpenRuns, 'allWaiting'> = { running: [], waiting: [] }
      const known = (): OpenRuns => {
        const next = real.waiting.filter((run) => run.dueAt <= model.now).slice(0, given.concurrency)
        const waiting = given.queue_strategy === 'append' ? next : real.waiting
        return { ...real, waiting, allWaiting: real.waiting.length }
      }
      const started: string[] = []
      const begin = (keys: string[]): void => {
        const of = (key: string) => real.waiting.find((run) => run.key === key)!
        for (const key of keys) expect(of(key).dueAt).toBeLessThanOrEqual(model.now)
        started.push(...keys)
        const running = keys.map((key) => ({ key, admittedAt: model.now, cancelling: false }))
        real = {
          running: [...real.running, ...running],
          waiting: real.waiting.filter((run) => !keys.includes(run.key)),
        }
      }
      for (const step of steps) {
        if (step.do === 'tick') model.now += step.ms
        const nth = <T>(list: T[]): T | undefined =>
          'nth' in step ? list[step.nth % Math.max(1, list.length)] : undefined
        if (step.do === 'end') {
          const run = nth(model.in('running'))
          if (run) run.state = 'ended'
          real = { ...real, running: real.running.filter(({ key }) => key !== `${run?.id}`) }
        } else if (step.do === 'cancel') {
          const run = nth(model.in('waiting'))
          if (run) run.state = 'cancelled'
          real = { ...real, waiting: real.waiting.filter(({ key }) => key !== `${run?.id}`) }
        }
        begin(nextToStart(given, known(), model.now))
        if (step.do === 'submit') {
          const key = `${model.all.length}`
          const decided = admit(given, known(), step.partition, model.now)
          if (decided.act !== 'refuse') {
            const kept = real.waiting.filter((run) => decided.act === 'start' || !decided.replaces.includes(run.key))
            const dueAt = decided.act === 'wait' ? decided.dueAt : model.now
            real = { ...real, waiting: [...kept, { key, partition: step.partition, dueAt }] }
            if (decided.act === 'start') begin([key])
            else expect(decided.place).toBe(real.waiting.length)
          }
          model.submit(step.partition)
        } else model.dequeue()
        const keys = (state: 'running' | 'waiting') => model.in(state).map((run) => `${run.id}`)
        expect(real.running.map((run) => run.key).toSorted()).toEqual(keys('running').toSorted())
        expect(real.waiting.map((run) => run.key)).toEqual(keys('waiting'))
        expect(real.running.length).toBeLessThanOrEqual(given.concurrency)
      }
      if (given.start_delay_ms === 0) expect(started).toEqual(started.toSorted((a, b) => Number(a) - Number(b)))
    }),
    { numRuns: 300 },
  )
})

test('with two places a stream of starts never keeps the first of them from its turn', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 4 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 }),
      (limit, pauses) => {
        const given = rules({ queue_strategy: 'replace', queue_limit: limit, start_delay_ms: 100 })
        let waiting: OpenRuns['waiting'] = []
        let at = 0
        for (const pause of [0, ...pauses]) {
          at += pause
          const decided = admit(given, { running: [], waiting, allWaiting: waiting.length }, null, at)
          if (decided.act !== 'wait') throw new Error(decided.act)
          expect(decided.replaces).not.toContain('0')
          waiting = waiting.filter((run) => !decided.replaces.includes(run.key))
          waiting.push({ key: `${at}`, partition: null, dueAt: decided.dueAt })
          if (at >= 100) {
            expect(nextToStart(given, { running: [], waiting, allWaiting: waiting.length }, at)).toEqual(['0'])
            return
          }
        }
      },
    ),
  )
})
