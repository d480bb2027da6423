/** What the conditions and templates of a run's actions may speak of. Never a secret. */
import type { Sealer } from '../access/secrets.ts'
import type { Queryable } from '../db/pool.ts'
import { noteRead, openValue, variablesSeenBy } from '../events/variable-store.ts'
import { fieldsMentioned } from '../expressions/check.ts'
import type { Names } from '../expressions/names.ts'
import type { Json } from '../lib/json.ts'
import type { EndedEventRun } from './ended-run.ts'
import { valueOf } from './payload-value.ts'

/** When an expression names variables by a value, so many are there, by name. */
const mostVariables = 500

export interface Texts {
  conditions: readonly string[]
  templates: readonly Json[]
}

/** `about`: the run whose end is spoken of, which in a loop is the newest. */
export async function namesOf(
  tx: Queryable,
  sealer: Sealer,
  about: EndedEventRun,
  texts: Texts,
  iteration = 0,
): Promise<Names> {
  const { end, event, publicId, version } = about
  const seconds = end.startedAt && end.endedAt ? (end.endedAt.getTime() - end.startedAt.getTime()) / 1000 : null
  return {
    outcome: {
      ...{ state: end.state, success: end.state === 'succeeded', exit_code: end.exitCode, signal: end.signal },
      ...{ error_class: end.errorClass, message: end.message, duration_seconds: seconds, attempts: end.attempts },
    },
    output: valueOf(about.output),
    condition: about.condition ?? false,
    input: valueOf(about.input),
    event: { id: event.publicId, name: event.name, run_id: publicId, version },
    vars: await variablesFor(tx, sealer, about.ownerId, texts),
    iteration,
  }
}

async function variablesFor(tx: Queryable, sealer: Sealer, ownerId: string, texts: Texts): Promise<Names> {
  const mentioned = mentionedIn(texts)
  const names = mentioned === null ? await namesSeenBy(tx, ownerId) : [...mentioned]
  const rows = (await variablesSeenBy(tx, ownerId, names)).filter(({ secret }) => !secret)
  await noteRead(
    tx,
    rows.map(({ id }) => id),
  )
  return Object.fromEntries(rows.map((row) => [row.name, openValue(row, sealer)]))
}

/** A text that cannot be read speaks of nothing: it is refused where it is used. */
function mentionedIn({ conditions, templates }: Texts): Set<string> | null {
  const all = new Set<string>()
  for (const texts of [
    ...conditions.map((text) => ({ conditions: [text], templates: [] })),
    ...templates.map((json) => ({ conditions: [], templates: [json] })),
  ]) {
    try {
      const fields = fieldsMentioned('vars', texts)
      if (fields === null) return null
      for (const field of fields) all.add(field)
    } catch {
      continue
    }
  }
  return all
}

async function namesSeenBy(tx: Queryable, ownerId: string): Promise<string[]> {
  const { rows } = await tx.query<{ name: string }>({
    name: 'reactions_variable_names',
    text: `select distinct name from variables where (owner_id = $1::bigint or owner_id is null) and not secret
      order by name limit ${mostVariables}`,
    values: [ownerId],
  })
  return rows.map(({ name }) => name)
}
