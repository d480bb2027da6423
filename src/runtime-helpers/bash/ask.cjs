'use strict'
// One request for runyard.sh: SOCKET METHOD PATH DIR BODY [HEADER …]
const { createReadStream, createWriteStream, statSync, writeFileSync } = require('node:fs')
const http = require('node:http')
const { pipeline } = require('node:stream/promises')

const [socketPath, method, path, dir, body, ...lines] = process.argv.slice(2)
const token = process.env.RUNYARD_TOKEN || process.env.CRONIUM_EXECUTION_TOKEN
const pairs = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
const headers = { ...Object.fromEntries(pairs.filter(([, value]) => value !== '')), authorization: `Bearer ${token}` }
if (body.startsWith('@')) headers['content-length'] = statSync(body.slice(1)).size

const fail = (error) => {
  console.error(error.message)
  process.exit(1)
}
const request = http.request({ socketPath, method, path, headers, agent: false }, (response) => {
  const { statusCode, rawHeaders } = response
  const head = rawHeaders.map((text, i) => text + (i % 2 === 0 ? ': ' : '\n')).join('')
  writeFileSync(`${dir}/head`, `HTTP/1.1 ${statusCode}\n${head}`)
  pipeline(response, statusCode < 300 ? process.stdout : createWriteStream(`${dir}/error`)).then(
    () => process.exit(0),
    fail,
  )
})
request.on('error', fail)
if (body === '') request.end()
else (body === '-' ? process.stdin : createReadStream(body.slice(1))).pipe(request)
