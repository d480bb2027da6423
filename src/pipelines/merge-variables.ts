/**
 * The variables of a run that takes the place of a waiting one (docs/pipelines.md, `variables`). `replace`: its own.
 * `merge`: the keys of both, its own win. `append`: the same, but lists of both are joined, the older first, and maps are
 * put together by the same rule: a list of things to do grows while it waits. Texts and numbers are never joined: what they
 * became would be no value of their parameter.
 */
import type { VariablePolicy } from '../job/pipeline.ts'
import type { Variables } from './run.ts'

/** Deeper maps are one value: 256 KiB of braces must not use up the stack. */
const deepest = 50

export function mergeVariables(policy: VariablePolicy, older: Variables, newer: Variables): Variables {
  if (policy === 'replace') return newer
  if (policy === 'merge') return { ...older, ...newer }
  return appendMaps(older, newer, deepest)
}

function appendMaps(older: Variables, newer: Variables, depth: number): Variables {
  const joined = Object.entries(newer).map(([key, value]) => [
    key,
    Object.hasOwn(older, key) ? append(older[key], value, depth) : value,
  ])
  return { ...older, ...Object.fromEntries(joined) }
}

function append(older: unknown, newer: unknown, depth: number): unknown {
  if (Array.isArray(older) && Array.isArray(newer)) return [...older, ...newer]
  return depth > 0 && isMap(older) && isMap(newer) ? appendMaps(older, newer, depth - 1) : newer
}

const isMap = (value: unknown): value is Variables =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
