/**
 * What an event is: the one schema that REST, CLI, YAML and the dashboard validate with. A version of an event is this
 * document after defaults, stored as it is. Durations are seconds. What does not change what it does (name, status, tags,
 * shared) stands beside it and makes no version.
 */
import * as z from 'zod'
import { depthOf } from '../lib/json.ts'
import { actionSchema } from './event-action.ts'
import { httpRequestSchema } from './http-request.ts'
import { keyProblem } from './labels.ts'
import { misfirePolicies, namePattern, overlapPolicies } from './pipeline.ts'
import { executorKinds, jobSpecSchema, retrySchema, specLimits } from './spec.ts'

/** One place, quoted in error messages. */
export const eventLimits = {
  nameLength: 128,
  scriptBytes: 256 * 1024,
  tags: 20,
  secrets: 100,
  schedules: 20,
  after: 20,
  actions: 50,
  /** An input or output of at most this size is kept with its run; a larger one is a file beside the job's log. */
  inlineBytes: 256 * 1024,
  /** Of one output, whatever it is. */
  outputBytes: 4 * 1024 ** 3,
  /** Event → action or trigger → event → …: a run that would be deeper is refused. */
  depth: 10,
} as const

export const eventKinds = ['bash', 'python', 'node', 'http', 'message', 'pipeline'] as const
export type EventKind = (typeof eventKinds)[number]
export const scriptKinds = ['bash', 'python', 'node'] as const
export type ScriptKind = (typeof scriptKinds)[number]
export const eventStatuses = ['draft', 'active', 'paused', 'archived'] as const
export type EventStatus = (typeof eventStatuses)[number]
/** What began a run. `test`: from the editor, of a definition that need not be saved. */
export const eventTriggers = [
  'manual',
  'api',
  'schedule',
  'webhook',
  'job',
  'event',
  'pipeline',
  'action',
  'test',
  'redrive',
] as const
export type EventTrigger = (typeof eventTriggers)[number]

export const eventName = z
  .string()
  .trim()
  .min(1)
  .max(eventLimits.nameLength)
  .regex(namePattern, 'is no name of an event: letters, digits, spaces and _ . : @ + - only, and begins with a letter')
export const tag = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,31}$/, 'a tag has lower-case letters, digits, . _ and - only')
export const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/, 'is no name of a variable: letters, digits, _ . and - only, at most 128')

const { shape } = jobSpecSchema
const json = z
  .unknown()
  .refine((value) => depthOf(value, specLimits.payloadDepth) <= specLimits.payloadDepth, 'is nested too deeply')
  .pipe(z.json())
const ofJob = z.strictObject({
  queue: shape.queue.optional(),
  priority: shape.priority.optional(),
  required_labels: shape.required_labels,
  labels: shape.labels,
  placement: shape.placement,
  limits: shape.limits,
  /** Left out: `ssh` with hosts, else as the administrator has it (RUNYARD_EVENT_EXECUTOR). */
  executor: z.enum(executorKinds).optional(),
  /** Without an image: the one of the language. */
  container: shape.container,
  hosts: shape.hosts,
  hosts_success: shape.hosts_success,
  hosts_at_once: shape.hosts_at_once,
  slurm: shape.slurm,
  kubernetes: shape.kubernetes,
  egress: shape.egress,
  network: shape.network.optional(),
  isolation: shape.isolation.optional(),
  working_dir: shape.working_dir,
  binds: shape.binds,
  inputs: shape.inputs,
  artifacts: shape.artifacts,
  stop_grace_seconds: shape.stop_grace_seconds.optional(),
})

const scheduleSchema = z.strictObject({
  name: z.string().regex(namePattern).max(100),
  cron: z.string().min(1).max(200).nullable().default(null),
  every_seconds: z.int().nullable().default(null),
  zone: z.string().min(1).max(64).default('UTC'),
  starts_at: z.iso.datetime({ offset: true }).nullable().default(null),
  ends_at: z.iso.datetime({ offset: true }).nullable().default(null),
  misfire: z.enum(misfirePolicies).default('run_once'),
  catch_up_seconds: z.int().min(0).max(604_800).default(3600),
  catch_up_limit: z.int().min(1).max(1000).default(100),
  overlap: z.enum(overlapPolicies).default('queue'),
  /** What the run gets as its input; the event's own when left out. */
  input: json.optional(),
  enabled: z.boolean().default(true),
  late_after_seconds: z.int().min(1).max(604_800).nullable().default(null),
})
export type EventSchedule = z.infer<typeof scheduleSchema>

/** End of something else; its output becomes the input. Exactly one of `event`, `pipeline` and `job`. */
const afterSchema = z
  .strictObject({
    /** Public id or name of an event that its owner may see. */
    event: z.string().min(1).max(eventLimits.nameLength).optional(),
    pipeline: z.string().min(1).max(200).optional(),
    /** Name of jobs of the same owner. */
    job: z.string().min(1).max(specLimits.nameLength).optional(),
    on: z
      .array(z.enum(['succeeded', 'failed', 'cancelled']))
      .min(1)
      .default(['succeeded']),
  })
  .refine((a) => [a.event, a.pipeline, a.job].filter((one) => one !== undefined).length === 1, {
    message: 'name exactly one of event, pipeline and job',
  })
export type AfterTrigger = z.infer<typeof afterSchema>

/** A message through a channel's tool action, or through the only action a plain channel has: `send`. */
export const messageBodySchema = z.strictObject({
  channel: z.string().min(1).max(63),
  /** Of the channel's tool; its manifest says which there are and what they take. */
  action: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,62}$/)
    .default('send'),
  /** Name of a stored message template; what `input` says wins over it. */
  template: z.string().min(1).max(100).optional(),
  /** As the tool's schema says; every text in it is a Liquid template. */
  input: z.record(z.string().min(1).max(100), json).default({}),
})
export type MessageBody = z.infer<typeof messageBodySchema>

export const eventDefinitionSchema = z
  .strictObject({
    kind: z.enum(eventKinds),
    description: z.string().max(2000).nullable().default(null),
    /** Of bash, python and node. */
    script: z
      .string()
      .refine((text) => Buffer.byteLength(text) <= eventLimits.scriptBytes, `at most ${eventLimits.scriptBytes} bytes`)
      .refine((text) => !text.includes('\0'), 'must not contain a NUL character')
      .optional(),
    request: httpRequestSchema.optional(),
    message: messageBodySchema.optional(),
    pipeline: z
      .strictObject({
        name: z.string().min(1).max(200),
        variables: z.record(z.string().min(1).max(200), json).default({}),
      })
      .optional(),
    env: shape.env,
    /** Environment name → secret of the owner or a global one: handed over sealed, masked in the log. */
    secrets: z
      .record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, 'is no name of an environment variable'),
        variableName,
        keyProblem,
      )
      .refine((all) => Object.keys(all).length <= eventLimits.secrets, `at most ${eventLimits.secrets} secrets`)
      .default({}),
    /** What a run gets that is given none. */
    input: json.optional(),
    /** Each has a budget of its own: what the first takes is not the second's loss. */
    timeouts: z
      .strictObject({
        setup_seconds: z.number().min(1).max(3600).default(300),
        run_seconds: z.number().min(0.1).max(86_400).optional(),
        cleanup_seconds: z.number().min(1).max(3600).default(60),
      })
      .prefault({}),
    /** Tries, the first included. */
    max_attempts: z.int().min(1).max(specLimits.maxAttempts).default(1),
    retry: retrySchema.optional(),
    /** Runs that triggers begin until it is paused; what somebody asked for does not count. */
    max_executions: z.int().min(1).max(1_000_000_000).nullable().default(null),
    reset_executions_on_activation: z.boolean().default(false),
    /** Runs at once; a further one waits, `skip` refuses it. */
    max_running: z.int().min(1).max(1000).nullable().default(null),
    when_full: z.enum(['wait', 'skip']).default('wait'),
    /** No trigger starts it before or after; who runs it by hand may. */
    starts_at: z.iso.datetime({ offset: true }).nullable().default(null),
    ends_at: z.iso.datetime({ offset: true }).nullable().default(null),
    job: ofJob.prefault({}),
    schedules: z.array(scheduleSchema).max(eventLimits.schedules).default([]),
    after: z.array(afterSchema).max(eventLimits.after).default([]),
    actions: z.array(actionSchema).max(eventLimits.actions).default([]),
    /** Told of incidents of this event; the installation's rule when left out. */
    incident_channels: z.array(z.string().min(1).max(63)).max(10).default([]),
  })
  .superRefine((event, context) => {
    const problems = [...bodyProblems(event), ...placeProblems(event)]
    for (const { path, message } of problems) context.addIssue({ code: 'custom', path, message })
    for (const list of ['schedules', 'actions'] as const) {
      const names = event[list].map(({ name }) => name)
      names.forEach((name, i) => {
        if (names.indexOf(name) < i) {
          context.addIssue({ code: 'custom', path: [list, i, 'name'], message: `there is another one called ${name}` })
        }
      })
    }
    event.schedules.forEach(({ cron, every_seconds }, i) => {
      if ((cron === null) === (every_seconds === null)) {
        context.addIssue({
          code: 'custom',
          path: ['schedules', i],
          message: 'give exactly one of cron and every_seconds',
        })
      }
    })
  })
export type EventDefinition = z.output<typeof eventDefinitionSchema>
export type EventDefinitionInput = z.input<typeof eventDefinitionSchema>

const bodyOf = {
  bash: 'script',
  python: 'script',
  node: 'script',
  http: 'request',
  message: 'message',
  pipeline: 'pipeline',
} as const
const bodies = ['script', 'request', 'message', 'pipeline'] as const

function bodyProblems(event: { kind: EventKind } & Partial<Record<(typeof bodies)[number], unknown>>) {
  const own = bodyOf[event.kind]
  return bodies.flatMap((body) => {
    if (body === own && event[body] === undefined)
      return [{ path: [body], message: `an event of kind ${event.kind} needs it` }]
    if (body !== own && event[body] !== undefined)
      return [{ path: [body], message: `an event of kind ${event.kind} has none; it has ${own}` }]
    return []
  })
}

const placesOfScripts = ['executor', 'container', 'hosts', 'slurm', 'kubernetes', 'egress'] as const

/** A request or a message runs no code of anybody: the runner makes it itself. A pipeline says so at its tasks. */
function placeProblems({ kind, job }: { kind: EventKind; job: z.output<typeof ofJob> }) {
  if (isScriptKind(kind)) return []
  return placesOfScripts
    .filter((field) => job[field] !== undefined)
    .map((field) => ({ path: ['job', field], message: `is of scripts; an event of kind ${kind} has none` }))
}

export const isScriptKind = (kind: EventKind): kind is ScriptKind => (scriptKinds as readonly string[]).includes(kind)
