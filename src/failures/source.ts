/** What a failure is of: an event, a task of a pipeline, or jobs of one name. Stored as one text. */

export interface Source {
  kind: 'event' | 'pipeline' | 'job'
  /** Of an event its public id; of a task `pipeline/task`; else the job's name without numbers. */
  rest: string
}

export const eventSource = (publicId: string): string => `event:${publicId}`
export const taskSource = (pipeline: string, task: string): string => `pipeline:${pipeline}/${task}`
export const pipelineSource = (pipeline: string): string => `pipeline:${pipeline}`
export const jobSource = (name: string): string => `job:${name}`

export function readSource(source: string): Source {
  const colon = source.indexOf(':')
  return { kind: source.slice(0, colon) as Source['kind'], rest: source.slice(colon + 1) }
}

/** As people read it; `eventName` of an event. */
export function showSource(
  source: string,
  eventName: string | null,
): { kind: Source['kind']; name: string; id: string | null } {
  const { kind, rest } = readSource(source)
  if (kind === 'event') return { kind, name: eventName ?? rest, id: rest }
  // No name of a task has a slash; one of a pipeline may.
  const slash = rest.lastIndexOf('/')
  const name = kind === 'pipeline' && slash >= 0 ? `${rest.slice(0, slash)} / ${rest.slice(slash + 1)}` : rest
  return { kind, name, id: null }
}
