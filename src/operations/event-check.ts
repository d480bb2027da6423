/** What is wrong with a definition, all of it at once; nothing is started or stored. */
import type { Queryable } from '../db/pool.ts'
import { variablesSeenBy } from '../events/variable-store.ts'
import { charactersIn, checkCondition, checkTemplates, mostTogether } from '../expressions/check.ts'
import { hasTemplates } from '../expressions/liquid.ts'
import { actionNames, answerNames } from '../expressions/names.ts'
import type { Effect } from '../job/event-action.ts'
import type { EventDefinition, EventSchedule, MessageBody } from '../job/event.ts'
import type { HttpRequest } from '../job/http-request.ts'
import { checkTiming } from '../job/timing/check-timing.ts'
import type { Timing } from '../job/timing/next-run.ts'
import type { FieldProblem } from '../lib/app-error.ts'
import type { Json } from '../lib/json.ts'
import { pipelineInForce } from '../pipelines/definition-store.ts'
import { findChannel } from '../reactions/channels.ts'
import { templateInput } from '../reactions/message-templates.ts'
import { messageProblems } from '../reactions/tool-message.ts'
import { previewTimes } from '../schedules/preview.ts'
import { databaseClock } from '../schedules/types.ts'
import { known, type Ask, type Deps, type KnownAsk } from './deps.ts'
import { jobProblems, placeWarnings, specOf } from './event-job.ts'
import { routed } from './event-place.ts'
import { secretsIn } from './fill-secrets.ts'
import { eventOf, viewerOf } from './find-events.ts'
import { readDefinition } from './read-definition.ts'

/** What no run of it could begin with, whatever else there is. */
export function definitionErrors(definition: EventDefinition, deps: Pick<Deps, 'config'>): FieldProblem[] {
  return [
    ...jobProblems(definition, deps),
    ...definition.schedules.flatMap((schedule, i) => {
      const wrong = checkTiming(timingOf(schedule))
      return wrong === null ? [] : [{ field: `schedules[${i}].${wrong.field}`, message: wrong.message }]
    }),
    ...requestProblems(definition),
    ...expressionProblems(definition),
  ]
}

const timingOf = ({ cron, every_seconds, zone, starts_at, ends_at }: EventSchedule): Timing => ({
  ...{ cron, every_seconds, zone },
  starts_at: starts_at === null ? null : new Date(starts_at),
  ends_at: ends_at === null ? null : new Date(ends_at),
})

function requestProblems({ request, secrets }: EventDefinition): FieldProblem[] {
  if (request === undefined) return []
  const listed = [...Object.keys(secrets), ...Object.values(secrets)]
  return [
    ...secretsIn(request)
      .filter((name) => !listed.includes(name))
      .map((name) => ({ field: 'request', message: `names secrets.${name}: list it under secrets of the event` })),
    ...assertionProblems(request, 'request'),
  ]
}

/** They are expressions: what would be filled in would be read as one. */
function assertionProblems({ assert }: Pick<HttpRequest, 'assert'>, at: string): FieldProblem[] {
  return assert.flatMap((text, i) => {
    const field = `${at}.assert[${i}]`
    if (hasTemplates(text)) return [{ field, message: 'is CEL over the answer; nothing is filled in here' }]
    const message = checkCondition(text, answerNames)
    return message === null ? [] : [{ field, message }]
  })
}

function expressionProblems({ actions, message }: EventDefinition): FieldProblem[] {
  const characters = charactersIn(actions.map((action) => action.do) as Json)
  if (characters > mostTogether) {
    return [
      { field: 'actions', message: `have templates of ${characters} characters: at most ${mostTogether} together` },
    ]
  }
  const inActions = actions.flatMap(({ if: condition, repeat, do: effect }, i): FieldProblem[] => {
    const at = `actions[${i}]`
    const conditions = [
      { field: `${at}.if`, text: condition },
      { field: `${at}.repeat.until`, text: repeat?.until },
    ]
    return [
      ...conditions.flatMap(({ field, text }) => {
        const wrong = text === undefined ? null : checkCondition(text)
        return wrong === null ? [] : [{ field, message: wrong }]
      }),
      ...(effect.webhook ? assertionProblems(effect.webhook, `${at}.do.webhook`) : []),
      // Of a webhook alone: what it sends may have a secret in it.
      ...checkTemplates(
        filledPart(effect) as Json,
        `${at}.do`,
        effect.webhook ? [...actionNames, 'secrets'] : actionNames,
      ),
    ]
  })
  return [
    ...inActions,
    ...(message === undefined ? [] : checkTemplates(message.input, 'message.input', ['input', 'event'])),
  ]
}

const filledPart = ({ webhook, ...effect }: Effect) =>
  webhook === undefined ? effect : { webhook: { ...webhook, assert: [] } }

export interface DefinitionProblem extends FieldProblem {
  severity: 'error' | 'warning'
}

export interface CheckEventInput {
  name?: string | undefined
  definition: Json
  input?: Json | undefined
}

export async function checkEvent(deps: Deps, anyAsk: Ask, { name, definition: given }: CheckEventInput) {
  const ask = known(anyAsk)
  viewerOf(ask)
  const { definition, problems: misread, givenField } = readDefinition(given)
  if (definition === null) return { problems: misread.map(asError), job: null, next_times: [] }
  const errors = [...definitionErrors(definition, deps), ...(await messageErrors(deps.db, definition))]
  const by = { role: ask.principal.role ?? 'viewer', config: deps.config }
  const placed = await routed(deps.db, by, definition)
  const places = errors.length > 0 ? [] : (await placeWarnings(deps.db, by, placed)).map(asWarning)
  const rest = [...errors.map(asError), ...(await missing(deps.db, ask, definition)), ...places]
  const problems = [...misread.map(asError), ...rest.map((one) => ({ ...one, field: givenField(one.field) }))]
  const now = await databaseClock(deps.db)
  return {
    problems,
    job: problems.some(({ severity }) => severity === 'error') ? null : jobShown(name ?? 'event', placed),
    next_times: definition.schedules
      .filter((schedule) => checkTiming(timingOf(schedule)) === null)
      .map((schedule) => ({
        schedule: schedule.name,
        at: previewTimes(timingOf(schedule), now, 10).map(({ at }) => at),
      })),
  }
}

const asWarning = (problem: FieldProblem): DefinitionProblem => ({ ...problem, severity: 'warning' })
const asError = (problem: FieldProblem): DefinitionProblem => ({ ...problem, severity: 'error' })

/** The job that a run would be; what is sealed in it is not shown. */
function jobShown(name: string, definition: EventDefinition): Json | null {
  if (definition.kind === 'pipeline' || definition.kind === 'message') return null
  const hidden = Object.fromEntries(Object.keys(definition.secrets).map((variable) => [variable, '***']))
  const spec = specOf(name, definition, hidden)
  const { setup_seconds, cleanup_seconds } = definition.timeouts
  return spec.ok ? (JSON.parse(JSON.stringify({ ...spec.value, setup_seconds, cleanup_seconds })) as Json) : null
}

/** What it speaks of and is not there, or not yet. */
async function missing(db: Queryable, ask: KnownAsk, definition: EventDefinition): Promise<DefinitionProblem[]> {
  const found: DefinitionProblem[] = []
  const warn = (field: string, message: string): void => void found.push({ field, message, severity: 'warning' })
  const { userId } = ask.principal
  const secrets = [...new Set(Object.values(definition.secrets))]
  if (secrets.length > 0 && userId !== null) {
    const there = await variablesSeenBy(db, userId, secrets)
    for (const [variable, name] of Object.entries(definition.secrets)) {
      const row = there.find((one) => one.name === name)
      if (row?.secret !== true) warn(`secrets.${variable}`, `there is no secret ${name}: runyard secret set ${name}`)
    }
  }
  for (const { field, pipeline, event, channel } of mentioned(definition)) {
    if (pipeline !== undefined && (await pipelineInForce(db, pipeline)) === null) {
      warn(field, `there is no pipeline named ${pipeline}`)
    }
    if (channel !== undefined && (await findChannel(db, channel)) === null) {
      warn(field, `there is no channel named ${channel}: runyard channel set ${channel}`)
    }
    if (event !== undefined && !(await eventOf(db, ask, event).then(Boolean, () => false))) {
      warn(field, `there is no event ${event} that you may see`)
    }
  }
  for (const { at, body } of messagesOf(definition)) {
    if (body.template !== undefined && (await templateInput(db, body.template)) === null) {
      warn(`${at}.template`, `there is no message template ${body.template}`)
    }
  }
  return found
}

/** What the tools of its channels refuse, as far as those channels are there. */
export async function messageErrors(db: Queryable, definition: EventDefinition): Promise<FieldProblem[]> {
  const found: FieldProblem[] = []
  for (const { at, body } of messagesOf(definition)) found.push(...(await messageProblems(db, body, at)))
  return found
}

const messagesOf = ({ message, actions }: EventDefinition): { at: string; body: MessageBody }[] => [
  ...(message ? [{ at: 'message', body: message }] : []),
  ...actions.flatMap(({ do: { message: body } }, i) => (body ? [{ at: `actions[${i}].do.message`, body }] : [])),
]

interface Mention {
  field: string
  pipeline?: string
  event?: string
  channel?: string
}

/** Names that are no templates. */
function mentioned({ pipeline, message, after, actions, incident_channels }: EventDefinition): Mention[] {
  const all: Mention[] = [
    ...(pipeline === undefined ? [] : [{ field: 'pipeline.name', pipeline: pipeline.name }]),
    ...(message === undefined ? [] : [{ field: 'message.channel', channel: message.channel }]),
    ...after.map(({ event, pipeline: of }, i) => ({
      field: `after[${i}]`,
      ...(event !== undefined && { event }),
      ...(of !== undefined && { pipeline: of }),
    })),
    ...actions.flatMap(({ do: effect }, i): Mention[] => {
      const at = `actions[${i}].do`
      if (effect.message) return [{ field: `${at}.message.channel`, channel: effect.message.channel }]
      if (effect.event) return [{ field: `${at}.event.event`, event: effect.event.event }]
      return effect.pipeline ? [{ field: `${at}.pipeline.name`, pipeline: effect.pipeline.name }] : []
    }),
    ...incident_channels.map((channel, i) => ({ field: `incident_channels[${i}]`, channel })),
  ]
  return all.filter((one) => !/\{\{|\{%/.test(`${one.pipeline}${one.event}${one.channel}`))
}
