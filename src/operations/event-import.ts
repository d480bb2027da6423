/** Events from YAML: all of a text, or none of it. */
import { may } from '../access/permissions.ts'
import type { Queryable } from '../db/pool.ts'
import { hashOf, lockEvent, type EventRow } from '../events/event-store.ts'
import { findEvent } from '../events/find-events.ts'
import { AppError } from '../lib/app-error.ts'
import { audited } from './audited.ts'
import { known, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { changeEventIn, createEventIn, mayMakeEvents } from './event-changes.ts'
import { wrong } from './event-job.ts'
import type { ReadEvent } from './read-event-yaml.ts'
import { readEventsApart } from './read-events-apart.ts'

export interface ImportEventsInput {
  yaml: string
  existing: 'refuse' | 'update' | 'skip'
  dry_run: boolean
}

export interface ImportedEvent {
  name: string
  /** Null: it would be made. */
  id: string | null
  outcome: 'created' | 'updated' | 'unchanged' | 'skipped'
}

/** Undoes a dry run. */
class Dry extends Error {
  readonly results: ImportedEvent[]
  constructor(results: ImportedEvent[]) {
    super('dry run')
    this.results = results
  }
}

export async function importEvents(
  deps: Deps,
  anyAsk: Ask,
  input: ImportEventsInput,
): Promise<{ results: ImportedEvent[] }> {
  const ask = known(anyAsk)
  const { dry_run: dry } = input
  // Before the transaction, which would hold a connection meanwhile; not for those who may not import.
  const read = may(ask.principal, 'event.change') ? await readEventsApart(input.yaml) : { events: [], problems: [] }
  const work = async (tx: Queryable): Promise<ImportedEvent[]> => {
    mayMakeEvents(ask)
    const { events, problems } = read
    if (problems.length > 0) throw wrong(problems)
    const results: ImportedEvent[] = []
    for (const event of events) results.push(await importOne(tx, deps, ask, event, input.existing))
    return results
  }
  try {
    const results = await audited(deps, ask, { action: 'event.import' }, async (tx, note) => {
      const done = await work(tx)
      if (dry) throw new Dry(done.map((one) => (one.outcome === 'created' ? { ...one, id: null } : one)))
      note({ events: done.slice(0, 100).map(({ name, outcome }) => `${name}: ${outcome}`) })
      return done
    })
    return { results }
  } catch (error) {
    if (error instanceof Dry) return { results: error.results }
    throw error
  }
}

async function importOne(
  tx: Queryable,
  deps: Deps,
  ask: KnownAsk,
  event: ReadEvent,
  existing: ImportEventsInput['existing'],
): Promise<ImportedEvent> {
  const { name, path, definition } = event
  try {
    const there = await ownEvent(tx, ask, name)
    if (there === null) {
      const { status = 'draft', shared = false, tags = [] } = event
      const made = await createEventIn(tx, deps, ask, { name, status, shared, tags, definition })
      return { name, id: made.publicId, outcome: 'created' }
    }
    if (existing === 'skip') return { name, id: there.publicId, outcome: 'skipped' }
    if (existing === 'refuse') {
      const message = `there is an event called ${name} already: import it with --existing update (existing=update), or under another name`
      throw new AppError('conflict', `name: ${message}`, { fields: [{ field: 'name', message }] })
    }
    if (isSame(there, event)) return { name, id: there.publicId, outcome: 'unchanged' }
    const { status, shared, tags } = event
    await changeEventIn(tx, deps, ask, there, { status, shared, tags, definition, note: 'imported' })
    return { name, id: there.publicId, outcome: 'updated' }
  } catch (error) {
    throw path === '' ? error : below(path, error)
  }
}

async function ownEvent(tx: Queryable, { principal }: KnownAsk, name: string): Promise<EventRow | null> {
  const { userId } = principal
  const found = await findEvent(tx, name, { viewer: userId, userId })
  const own = found !== null && found.ownerId === userId && found.status !== 'archived'
  // A public id is no name.
  return own && found.name.toLowerCase() === name.toLowerCase() ? lockEvent(tx, found.key) : null
}

const isSame = (row: EventRow, { status, shared, tags, definition }: ReadEvent): boolean =>
  hashOf(row.definition) === hashOf(definition) &&
  (status ?? row.status) === row.status &&
  (shared ?? row.shared) === row.shared &&
  (tags === undefined || [...new Set(tags)].join() === row.tags.join())

/** The same error, at its place in the list. */
function below(path: string, error: unknown): unknown {
  if (!(error instanceof AppError) || error.fields.length === 0) return error
  const fields = error.fields.map(({ field, message }) => ({ field: `${path}.${field}`, message }))
  return new AppError(error.code, `${path}: ${error.message}`, { fields, cause: error })
}
