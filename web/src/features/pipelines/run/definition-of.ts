import type { PipelineDetail, PipelineTask } from '../../../lib/api.ts'

export interface WrittenTask {
  description: string | null
  script: string[]
  /** Names only: values may be secrets, and are templates until it runs. */
  envNames: string[]
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const namesOf = (value: unknown): string[] => (isRecord(value) ? Object.keys(value) : [])

/** How a task was written in the version that its run has. */
export function definitionOf(
  pipeline: Pick<PipelineDetail, 'graph' | 'definition'> | undefined,
  { name, kind }: Pick<PipelineTask, 'name' | 'kind'>,
): WrittenTask | null {
  const definition = pipeline?.definition
  if (pipeline === undefined || !isRecord(definition)) return null
  const fromPipeline = namesOf(definition['env'])
  if (kind === 'on_error') {
    const written = definition['on_error']
    if (!isRecord(written)) return null
    const script = Array.isArray(written['script']) ? written['script'].map(String) : []
    return { description: null, script, envNames: [...new Set([...fromPipeline, ...namesOf(written['env'])])] }
  }
  const shape = pipeline.graph.find((one) => one.name === name)
  if (!shape) return null
  const tasks = Array.isArray(definition['tasks']) ? definition['tasks'] : []
  const full: unknown = tasks.find((one) => isRecord(one) && one['name'] === name)
  const own = isRecord(full) ? [...namesOf(full['env']), ...namesOf(full['env_from'])] : []
  return { description: shape.description, script: shape.script, envNames: [...new Set([...fromPipeline, ...own])] }
}
