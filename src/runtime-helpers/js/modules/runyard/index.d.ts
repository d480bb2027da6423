/** The helpers of a script that runs as an event. What each does: docs/helpers.md. Each has a second name, in snake_case. */
import type { Readable } from 'node:stream'

export class HelperError extends Error {
  /** As in PROTOCOL.md. */
  code?: string
  /** Of HTTP. */
  status?: number
}

type Scope = { scope?: 'user' | 'global' }
type Typed = { type?: string }
type Content = string | Record<string, unknown>

/** A value for JSON, a string for text, a Buffer for all else; null when there is none. */
export function input<T = unknown>(): Promise<T>
export function inputStream(): Promise<(Readable & { type: string }) | null>
/** Gives `path`, or null when there is none. */
export function inputFile(path: string): Promise<string | null>
/** Bytes go as they are, and so does a string with a `type`; all else goes as JSON. */
export function output(value: unknown, options?: Typed): Promise<void>
export function outputStream(
  source: Readable | AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options?: Typed,
): Promise<void>
export function outputFile(path: string, options?: Typed): Promise<void>

/** `missing`, or null, when there is none. */
export function getVariable<T = unknown>(name: string, missing?: T): Promise<T>
export function setVariable(name: string, value: unknown, options?: Scope): Promise<void>
export function variableExists(name: string): Promise<boolean>
/** Whether there was one. */
export function deleteVariable(name: string, options?: Scope): Promise<boolean>
/** The new value. */
export function incrementVariable(name: string, by?: number, options?: Scope): Promise<number>
/** The new value. */
export function appendVariable(name: string, text: string, options?: Scope): Promise<string>
export function listVariables(): Promise<{ name: string; scope: 'user' | 'global'; secret: boolean }[]>

export function setCondition(value: boolean): Promise<void>
export function event(): Promise<Record<string, unknown>>
export function eventField<T = unknown>(name: string): Promise<T>
/** `percent` from 0 to 100, or null to leave it as it is. */
export function progress(percent: number | null, text?: string): Promise<void>
/** The id of the delivery. */
export function sendMessage(
  channel: string,
  content?: Content,
  options?: { action?: string; template?: string },
): Promise<string>
export function executeToolAction(channel: string, action: string, content?: Content): Promise<string>

export const sendEmail: typeof sendMessage
export const sendSlackMessage: typeof sendMessage
export const sendDiscordMessage: typeof sendMessage

export const input_stream: typeof inputStream
export const input_file: typeof inputFile
export const output_stream: typeof outputStream
export const output_file: typeof outputFile
export const get_variable: typeof getVariable
export const set_variable: typeof setVariable
export const variable_exists: typeof variableExists
export const delete_variable: typeof deleteVariable
export const increment_variable: typeof incrementVariable
export const append_variable: typeof appendVariable
export const list_variables: typeof listVariables
export const set_condition: typeof setCondition
export const event_field: typeof eventField
export const send_message: typeof sendMessage
export const send_email: typeof sendMessage
export const send_slack_message: typeof sendMessage
export const send_discord_message: typeof sendMessage
export const execute_tool_action: typeof executeToolAction
