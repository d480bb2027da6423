import { withUnknown } from '../../lib/search-params.ts'

export const failureViews = ['letters', 'groups', 'incidents'] as const
export type FailureView = (typeof failureViews)[number]
export const letterStates = ['open', 'redriven', 'dismissed'] as const
export type LetterState = (typeof letterStates)[number]

/** Which failures are shown, as it stands in the URL. */
export interface FailuresPlace {
  view?: Exclude<FailureView, 'letters'>
  /** Of dead letters: those that are open, when left out. */
  state?: Exclude<LetterState, 'open'> | 'all'
  /** Of incidents: those that are not closed, when left out. */
  closed?: true
  /** Of groups: those that open no incidents, too. */
  muted?: true
  group?: string
  event?: string
  queue?: string
  owner?: string
  /** Part of the name or the error. */
  q?: string
  unknown?: string
}

const text = (value: unknown, length: number) =>
  typeof value === 'string' && value !== '' ? value.slice(0, length) : undefined
const flag = (value: unknown) => (value === 'true' || value === true ? true : undefined)

export function readFailuresPlace(search: Record<string, unknown>): FailuresPlace {
  const { view, state, group } = search
  return withUnknown(search, {
    view: view === 'groups' || view === 'incidents' ? view : undefined,
    state: state === 'redriven' || state === 'dismissed' || state === 'all' ? state : undefined,
    closed: flag(search['closed']),
    muted: flag(search['muted']),
    group: typeof group === 'string' && /^[0-9a-z]{12}$/.test(group) ? group : undefined,
    event: text(search['event'], 128),
    queue: text(search['queue'], 63),
    owner: text(search['owner'], 200),
    q: text(search['q'], 200),
  })
}
