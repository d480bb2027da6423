'use strict'
// HTTP over the socket of this attempt: PROTOCOL.md. Nothing but Node's own modules, 18 and later.
const http = require('node:http')
const { randomUUID } = require('node:crypto')
const { setTimeout: sleep } = require('node:timers/promises')

/** What the server refused. `code` as in PROTOCOL.md, `status` of HTTP. */
class HelperError extends Error {
  constructor(message, { code, status, cause } = {}) {
    super(message, { cause })
    this.name = 'HelperError'
    this.code = code
    this.status = status
  }
}

/** The runner is being restarted, or went away before it answered. */
const goneCodes = ['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE', 'EAGAIN']

function where() {
  const { RUNYARD_SOCKET, CRONIUM_RUNTIME_API = '', RUNYARD_TOKEN, CRONIUM_EXECUTION_TOKEN } = process.env
  const socketPath = RUNYARD_SOCKET || CRONIUM_RUNTIME_API.replace(/^unix:(\/\/)?/, '')
  const token = RUNYARD_TOKEN || CRONIUM_EXECUTION_TOKEN
  if (socketPath && token) return { socketPath, token }
  const missing = socketPath ? 'RUNYARD_TOKEN' : 'RUNYARD_SOCKET'
  throw new HelperError(
    `${missing} is not set, so nothing can be asked of Runyard: run this script as an event, or by "runyard run --helpers"`,
    { code: 'no_event' },
  )
}

/** One try. `body`: a Buffer or a stream. Resolves with Node's response once its head is there. */
function once(method, path, headers, body) {
  const { socketPath, token } = where()
  return new Promise((resolve, reject) => {
    const all = { ...headers, authorization: `Bearer ${token}` }
    const request = http.request({ socketPath, path, method, headers: all, agent: false }, resolve)
    if (body === undefined || Buffer.isBuffer(body)) return request.on('error', reject).end(body)
    request.on('error', (error) => {
      body.destroy()
      reject(error)
    })
    body.on('error', (error) => {
      reject(new HelperError(`the output cannot be read: ${error.message}`, { cause: error }))
      request.destroy()
    })
    body.pipe(request)
  })
}

/**
 * Until it is answered. `body()` makes the body of each try; `again: false` when it can be made only once.
 * Resolves with a response of status 2xx.
 */
async function ask(method, path, { headers = {}, body = () => undefined, again = true } = {}) {
  const patienceMs = Number(process.env.RUNYARD_HELPER_PATIENCE_SECONDS || 60) * 1000
  const begun = Date.now()
  for (let pauseMs = 50; ; pauseMs = Math.min(2 * pauseMs, 2000)) {
    let failure
    let leastMs = 0
    try {
      const response = await once(method, path, headers, body())
      if (response.statusCode < 300) return response
      failure = await refusal(response)
      const retryAfter = response.headers['retry-after']
      const busy = response.statusCode === 429 && retryAfter !== undefined
      if (!busy && response.statusCode !== 503 && response.statusCode !== 504) throw failure
      leastMs = Number(retryAfter || 0) * 1000
    } catch (error) {
      if (!goneCodes.includes(error.code)) throw error
      const told = `Runyard's runner does not answer at ${where().socketPath}: ${error.message}`
      failure = new HelperError(told, { code: 'unavailable', cause: error })
    }
    const waitMs = Math.max(pauseMs, leastMs)
    if (!again || Date.now() - begun + waitMs > patienceMs) throw failure
    await sleep(waitMs)
  }
}

async function refusal(response) {
  const text = (await bytesOf(response)).toString()
  try {
    const { code, message } = JSON.parse(text).error
    return new HelperError(message, { code, status: response.statusCode })
  } catch {
    return new HelperError(`HTTP ${response.statusCode}: ${text.slice(0, 200)}`, { status: response.statusCode })
  }
}

async function bytesOf(stream) {
  const pieces = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Most calls: an object there, an object back. `key`: must not take effect twice. */
async function call(method, path, params, key = false) {
  const body = params && Buffer.from(jsonOf(params))
  const headers = {
    ...(body && { 'content-type': 'application/json', 'content-length': body.length }),
    ...(key && { 'idempotency-key': randomUUID() }),
  }
  const response = await ask(method, path, { headers, body: () => body })
  return JSON.parse((await bytesOf(response)).toString() || '{}')
}

/** JSON itself would make null of NaN and Infinity. */
function jsonOf(params) {
  const fields = Object.keys(params).filter((field) => params[field] !== undefined)
  const texts = fields.map((field) => {
    const text = JSON.stringify(params[field], (_name, value) => {
      if (typeof value !== 'number' || Number.isFinite(value)) return value
      throw new HelperError(`${field}: ${value} is no JSON`, { code: 'invalid_argument' })
    })
    if (text !== undefined) return `${JSON.stringify(field)}:${text}`
    throw new HelperError(`${field}: ${typeof params[field]} is no JSON`, { code: 'invalid_argument' })
  })
  return `{${texts.join()}}`
}

module.exports = { HelperError, ask, bytesOf, call }
