/** An event of kind `pipeline`: a run of the pipeline, whose variables the input may fill in. */
import type { Principal } from '../access/authenticate.ts'
import type { Queryable } from '../db/pool.ts'
import { jsonIn, jsonType, type Payload } from '../events/payload.ts'
import type { EventDefinition, EventTrigger } from '../job/event.ts'
import { pipelineInForce } from '../pipelines/definition-store.ts'
import type { Variables } from '../pipelines/run.ts'
import type { Deps } from './deps.ts'
import { startPipelineIn } from './pipeline-start.ts'

export interface EventPipelineInput {
  definition: EventDefinition
  input: Payload | null
  trigger: EventTrigger
  principal: Principal
}

/** Answers the public id of the run. */
export async function startEventPipeline(tx: Queryable, deps: Deps, given: EventPipelineInput): Promise<string> {
  const { name, variables } = given.definition.pipeline!
  const parameters = Object.keys((await pipelineInForce(tx, name))?.definition.parameters ?? {})
  const started = await startPipelineIn(
    tx,
    deps,
    { principal: given.principal },
    {
      name,
      variables: { ...variables, ...variablesOf(given.input, parameters) } as Variables,
      trigger: given.trigger === 'schedule' ? 'schedule' : 'manual',
    },
  )
  return started.publicId
}

/**
 * Of a pipeline that declares parameters: the fields of the input that are named so. Of another: the whole input, as the
 * variable `input`.
 */
function variablesOf(input: Payload | null, parameters: readonly string[]): Record<string, unknown> {
  const value = jsonOf(input)
  if (value === undefined) return {}
  if (parameters.length === 0) return { input: value }
  const fields = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
  const named = Object.fromEntries(Object.entries(fields).filter(([name]) => parameters.includes(name)))
  return parameters.includes('input') && !Object.hasOwn(named, 'input') ? { ...named, input: value } : named
}

function jsonOf(input: Payload | null): unknown {
  if (input === null || !('bytes' in input) || input.type.split(';')[0]!.trim() !== jsonType) return undefined
  return jsonIn(input.bytes.toString())
}
