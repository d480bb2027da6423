/** What a tool says of itself: which actions it has, what each takes, and what a channel of it is made of. */
import type * as z from 'zod'
import type { Json } from '../../lib/json.ts'
import type { ChannelKind } from '../message.ts'

export interface ToolAction {
  name: string
  title: string
  description: string
  /** Strict: an unknown field is an error. */
  input: z.ZodType<ToolInput>
  /** Valid for `input`. */
  example: { [key: string]: Json }
  /** Fields that are HTML: what a template fills into them is escaped. */
  html?: readonly string[]
}

/** As the action's schema has made it. */
export type ToolInput = Record<string, unknown>

export interface Tool {
  name: ChannelKind
  title: string
  description: string
  credentials: z.ZodType
  actions: readonly ToolAction[]
}

/** A line for lists, and the words for where there is room. */
export const subjectField = { title: 'Subject', description: 'One line; the first of the text when left out' }
