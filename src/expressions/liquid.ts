/**
 * Templates: Liquid, by an interpreter that reaches own properties alone, no file and no other template. What is filled
 * in is never read as a template again: each text is parsed before any value is looked at. Pure.
 */
import { Liquid, LiquidError, Output, Token, toValue, type Template } from 'liquidjs'
import type { Json } from '../lib/json.ts'
import { ExpressionProblem, type Names } from './names.ts'

/** Of one text with templates in it. They are read on the main thread as well: 64 KiB of `{{a}}` take 0.2 s. */
export const mostCharacters = 64 * 1024
/** Of one text, ms; the thread's deadline is for all together. */
const renderLimit = 400
/** Characters and list items that filters and ranges may make. */
const memoryLimit = 4_000_000
/** Of everything that one call fills in, characters. */
export const mostFilled = 1024 * 1024

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' }
const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (char) => entities[char]!)
/** As people write it; an object or a list as JSON. */
function toText(value: unknown): string {
  const plain: unknown = toValue(value)
  if (plain === undefined || plain === null) return ''
  return typeof plain === 'object' ? JSON.stringify(plain) : String(plain)
}

function engine(outputEscape: ((value: unknown) => string) | undefined): Liquid {
  const made = new Liquid({
    ownPropertyOnly: true,
    strictFilters: true,
    dynamicPartials: false,
    relativeReference: false,
    templates: {},
    timezoneOffset: 0,
    locale: 'en-US',
    parseLimit: mostCharacters,
    renderLimit,
    memoryLimit,
    ...(outputEscape === undefined ? { keepOutputType: true } : { outputEscape }),
  })
  for (const tag of ['include', 'render', 'layout', 'block']) delete made.tags[tag]
  // It would take the escaping of a value away.
  delete made.filters.raw
  return made
}
const asText = engine(toText)
const asHtml = engine((value) => escapeHtml(toText(value)))
const asValue = engine(undefined)

const isTemplate = (text: string): boolean => text.includes('{{') || text.includes('{%')

/** Whether there is anything to fill in. */
export function hasTemplates(json: Json): boolean {
  if (typeof json === 'string') return isTemplate(json)
  return typeof json === 'object' && json !== null && Object.values(json).some(hasTemplates)
}

/** Throws `ExpressionProblem`. */
function parsed(engineOf: Liquid, text: string): Template[] {
  try {
    return engineOf.parse(text)
  } catch (error) {
    throw problemOf(error)
  }
}

function problemOf(error: unknown): ExpressionProblem {
  if (error instanceof RangeError) return new ExpressionProblem('is nested too deeply')
  const { message } = (error instanceof LiquidError ? error.originalError : undefined) ?? (error as Error)
  return new ExpressionProblem(`is no Liquid template that can be filled in: ${message.split('\n')[0]}`)
}

export interface FillOptions {
  /** Fields of the outermost object whose texts are HTML: values are escaped in them. */
  html?: readonly string[] | undefined
}

/** Every text in it filled in; one that is a single `{{ … }}` becomes the value itself, of whatever type. */
export function fill(json: Json, names: Names, { html = [] }: FillOptions = {}): Json {
  let room = mostFilled
  const spend = (value: unknown): void => {
    room -= typeof value === 'string' ? value.length : (JSON.stringify(value) ?? '').length
    if (room < 0) throw new ExpressionProblem(`makes more than ${mostFilled} characters`)
  }
  const text = (template: string, escape: boolean): Json => {
    if (!isTemplate(template)) return template
    const value = filled(template, names, escape)
    spend(value)
    return value
  }
  const walk = (value: Json, escape: boolean): Json => {
    if (typeof value === 'string') return text(value, escape)
    if (Array.isArray(value)) return value.map((item) => walk(item, escape))
    if (typeof value !== 'object' || value === null) return value
    return objectOf(Object.entries(value).map(([key, item]) => [key, walk(item, escape)]))
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return walk(json, false)
  return objectOf(Object.entries(json).map(([key, value]) => [key, walk(value, html.includes(key))]))
}

/** `fromEntries` defines its properties: a key like `__proto__` is a key. */
const objectOf = (entries: [string, Json][]): Json => Object.fromEntries(entries)

function filled(template: string, names: Names, escape: boolean): Json {
  const own = escape ? asHtml : asText
  try {
    const whole = escape ? [] : parsed(asValue, template)
    if (whole.length === 1 && whole[0] instanceof Output) {
      const value: unknown = toValue(asValue.renderSync(whole, names))
      return value === undefined || value === '' ? '' : (JSON.parse(JSON.stringify(value)) as Json)
    }
    return own.renderSync(parsed(own, template), names) as string
  } catch (error) {
    throw error instanceof ExpressionProblem ? error : problemOf(error)
  }
}

/** The names it speaks of, with the field that it asks of each. */
export function mentionsOfTemplate(text: string): string[][] {
  if (!isTemplate(text)) return []
  const templates = parsed(asText, text)
  const { globals } = withoutPlaces(() => asText.analyzeSync(templates, { partials: false }))
  return Object.values(globals).flatMap((variables) =>
    variables.map(({ segments: [name, field] }) => [String(name), ...(typeof field === 'string' ? [field] : [])]),
  )
}

/** The analysis counts lines from the beginning of the text for each variable, which nobody asks for: 17,000 took 16 s. */
function withoutPlaces<T>(analyse: () => T): T {
  const { getPosition } = Token.prototype
  Token.prototype.getPosition = () => [1, 1]
  try {
    return analyse()
  } finally {
    Token.prototype.getPosition = getPosition
  }
}
