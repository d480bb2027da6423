'use strict'
// The helpers of a script that runs as an event. What each does: docs/helpers.md.
const { createReadStream, createWriteStream, statSync } = require('node:fs')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { HelperError, ask, bytesOf, call } = require('./wire.js')

const json = 'application/json'
const binary = 'application/octet-stream'

function pathOf(name) {
  if (typeof name !== 'string' || name === '') throw refused('name: must be a text that is not empty')
  return `/v1/variables/${encodeURIComponent(name)}`
}

const refused = (message) => new HelperError(message, { code: 'invalid_argument' })

async function input() {
  const response = await ask('GET', '/v1/input')
  const bytes = await bytesOf(response)
  if (response.statusCode === 204) return null
  const type = response.headers['content-type'] || binary
  if (/^application\/([\w.-]+\+)?json\b/i.test(type)) return JSON.parse(bytes.toString())
  return /^text\//i.test(type) ? bytes.toString() : bytes
}

/** A readable stream with its `type`, or null. */
async function inputStream() {
  const response = await ask('GET', '/v1/input')
  if (response.statusCode !== 204) return Object.assign(response, { type: response.headers['content-type'] })
  response.resume()
  return null
}

async function inputFile(path) {
  const stream = await inputStream()
  if (stream === null) return null
  await pipeline(stream, createWriteStream(path))
  return path
}

async function output(value, { type } = {}) {
  const raw = value instanceof ArrayBuffer ? new Uint8Array(value) : value
  const asIs = ArrayBuffer.isView(raw) || (type !== undefined && typeof raw === 'string')
  const bytes = ArrayBuffer.isView(raw)
    ? Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
    : Buffer.from(asIs ? raw : JSON.stringify(raw === undefined ? null : raw))
  const headers = { 'content-type': type || (asIs ? binary : json), 'content-length': bytes.length }
  await finish(ask('PUT', '/v1/output', { headers, body: () => bytes }))
}

/** `source`: a stream or anything that can be iterated for bytes. */
async function outputStream(source, { type = binary } = {}) {
  // It can be sent only once: that somebody is there is asked first.
  await call('GET', '/v1/health')
  const body = () => (source instanceof Readable ? source : Readable.from(source, { objectMode: false }))
  await finish(ask('PUT', '/v1/output', { headers: { 'content-type': type }, body, again: false }))
}

async function outputFile(path, { type = binary } = {}) {
  const headers = { 'content-type': type, 'content-length': statSync(path).size }
  await finish(ask('PUT', '/v1/output', { headers, body: () => createReadStream(path) }))
}

const finish = async (asked) => void (await bytesOf(await asked))

async function getVariable(name, missing = null) {
  const { exists, value } = await call('GET', pathOf(name))
  return exists ? value : missing
}

const variableExists = async (name) => (await call('GET', pathOf(name))).exists

async function setVariable(name, value, { scope } = {}) {
  await call('PUT', pathOf(name), { value: value === undefined ? null : value, scope })
}

async function deleteVariable(name, { scope } = {}) {
  const query = scope ? `?scope=${encodeURIComponent(scope)}` : ''
  return (await call('DELETE', pathOf(name) + query, undefined, true)).existed
}

const incrementVariable = async (name, by = 1, { scope } = {}) =>
  (await call('POST', `${pathOf(name)}/increment`, { by, scope }, true)).value

const appendVariable = async (name, text, { scope } = {}) =>
  (await call('POST', `${pathOf(name)}/append`, { text: String(text), scope }, true)).value

const listVariables = async () => (await call('GET', '/v1/variables')).names

async function setCondition(value) {
  if (typeof value !== 'boolean') {
    throw refused(
      `value: a condition is true or false, not ${typeof value === 'string' ? `the text "${value}"` : value}`,
    )
  }
  await call('POST', '/v1/condition', { value })
}

const event = () => call('GET', '/v1/event')

const eventField = async (name) => (await event())[name]

/** `percent` from 0 to 100, or null to leave it as it is. */
async function progress(percent, text) {
  await call('POST', '/v1/progress', { percent: percent === null ? undefined : percent, text })
}

/** `content`: a text, or the input of the channel's action. */
async function sendMessage(channel, content = {}, { action, template } = {}) {
  const filled = typeof content === 'string' ? { text: content } : content
  return (await call('POST', '/v1/messages', { channel, action, template, input: filled }, true)).delivery_id
}

const executeToolAction = (channel, action, content) => sendMessage(channel, content, { action })

module.exports = {
  HelperError,
  input,
  inputStream,
  input_stream: inputStream,
  inputFile,
  input_file: inputFile,
  output,
  outputStream,
  output_stream: outputStream,
  outputFile,
  output_file: outputFile,
  getVariable,
  get_variable: getVariable,
  setVariable,
  set_variable: setVariable,
  variableExists,
  variable_exists: variableExists,
  deleteVariable,
  delete_variable: deleteVariable,
  incrementVariable,
  increment_variable: incrementVariable,
  appendVariable,
  append_variable: appendVariable,
  listVariables,
  list_variables: listVariables,
  setCondition,
  set_condition: setCondition,
  event,
  eventField,
  event_field: eventField,
  progress,
  sendMessage,
  send_message: sendMessage,
  sendEmail: sendMessage,
  send_email: sendMessage,
  sendSlackMessage: sendMessage,
  send_slack_message: sendMessage,
  sendDiscordMessage: sendMessage,
  send_discord_message: sendMessage,
  executeToolAction,
  execute_tool_action: executeToolAction,
}
