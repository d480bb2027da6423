/** The HTTP job of an action: its request with everything filled in at once, so that no value is read as a template. */
import type { Queryable } from '../db/pool.ts'
import { fieldsMentioned } from '../expressions/check.ts'
import { fillTemplates } from '../expressions/evaluate.ts'
import { ExpressionProblem, type Names } from '../expressions/names.ts'
import { httpRequestSchema, type HttpRequest } from '../job/http-request.ts'
import { jobSpecSchema } from '../job/spec.ts'
import { AppError } from '../lib/app-error.ts'
import { problemsOf } from '../lib/issue-fields.ts'
import type { ZodIssue } from '../lib/issue-words.ts'
import type { Json } from '../lib/json.ts'
import type { NewJob } from '../queue/types.ts'
import type { Firing } from '../reactions/event-hooks.ts'
import { wrong } from '../reactions/tool-input.ts'
import type { Deps } from './deps.ts'
import { newJob } from './new-job.ts'
import { readSecrets } from './read-secrets.ts'

/** As messages are tried: six times in half an hour; what the receiver will not have is not sent again. */
const tries = {
  max_attempts: 6,
  retry: {
    ...{ backoff_seconds: 20, factor: 3, max_backoff_seconds: 1000, jitter: 0.1 },
    on: ['exit', 'timeout', 'lost', 'infrastructure'],
  },
}

type Template = Omit<HttpRequest, 'assert'>

export async function webhookJob(tx: Queryable, deps: Deps, firing: Firing, names: Names): Promise<NewJob> {
  const { run, action, deliveryId } = firing
  // Assertions are expressions over the answer: what was filled in would be read as a part of one.
  const { assert, ...template } = firing.effect.webhook!
  const secrets = await secretsFor(tx, deps, firing, template)
  const request = readRequest(await filled(template as Json, { ...names, secrets }), assert)
  const spec = jobSpecSchema.parse({
    ...tries,
    name: `${run.event.name}: ${action}`.slice(0, 200),
    command: ['http', request.method],
    secret_env: Object.fromEntries(Object.values(secrets).map((value, i) => [`SECRET_${i}`, value])),
    // One try with its redirects, and room for a slow name server.
    timeout_seconds: request.timeout_seconds + 30,
  })
  const job = newJob(spec, deps, { principal: null }, { request: withDeliveryId(request, deliveryId) })
  Object.assign(job.spec, { executor: 'http', network: 'host' })
  return job
}

/** The same at every try, unless the action says its own. */
function withDeliveryId(request: HttpRequest, id: string): HttpRequest {
  const given = Object.keys(request.headers).some((name) => name.toLowerCase() === 'webhook-id')
  return given ? request : { ...request, headers: { ...request.headers, 'webhook-id': id } }
}

/** By the name of the environment that the event lists it under, and by its own. */
async function secretsFor(
  tx: Queryable,
  deps: Deps,
  { run }: Firing,
  template: Template,
): Promise<Record<string, string>> {
  const listed = run.definition.secrets
  const mentioned = mentionedIn(template)
  if (mentioned.length === 0) return {}
  const nameOf = (name: string): string => {
    const found = Object.hasOwn(listed, name) ? listed[name] : Object.values(listed).find((one) => one === name)
    if (found !== undefined) return found
    throw wrong([{ field: 'webhook', message: `names secrets.${name}: list it under secrets of the event` }])
  }
  const names = mentioned.map((name) => [name, nameOf(name)] as const)
  const values = await readSecrets(
    tx,
    deps,
    run.ownerId,
    names.map(([, name]) => name),
    `event_run:${run.publicId}`,
  )
  return Object.fromEntries(names.map(([name, secret]) => [name, values[secret]!]))
}

function mentionedIn(template: Template): string[] {
  const fields = explained(() => fieldsMentioned('secrets', { conditions: [], templates: [template as Json] }))
  if (fields !== null) return [...fields]
  throw wrong([{ field: 'webhook', message: 'names secrets other than as {{ secrets.NAME }}' }])
}

function explained<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof ExpressionProblem ? wrong([{ field: 'webhook', message: error.message }]) : error
  }
}

async function filled(template: Json, names: Names): Promise<Json> {
  try {
    return await fillTemplates(template, names)
  } catch (error) {
    throw error instanceof ExpressionProblem ? wrong([{ field: 'webhook', message: error.message }]) : error
  }
}

function readRequest(given: Json, assert: string[]): HttpRequest {
  const parsed = httpRequestSchema.safeParse({ ...(asTexts(given) as object), assert })
  if (!parsed.success) throw wrong(problemsOf(parsed.error.issues as ZodIssue[]))
  if (!parsed.data.body_from_input) return parsed.data
  throw new AppError('invalid_argument', 'body_from_input: an action has no input; say body: "{{ output }}"')
}

/** A header or a parameter that is a single `{{ … }}` of a number is a text all the same. */
function asTexts(given: Json): Json {
  const { headers, query, ...rest } = given as { headers?: Record<string, Json>; query?: Record<string, Json> }
  const texts = (all: Record<string, Json> = {}): Json =>
    Object.fromEntries(
      Object.entries(all).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
    )
  return { ...rest, headers: texts(headers), query: texts(query) }
}
