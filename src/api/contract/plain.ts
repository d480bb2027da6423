/** Routes beside the contract: bytes with ranges, the form-encoded OAuth2 grant, the WebSocket. Their OpenAPI entries. */
import { logStreams } from './live.ts'

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
})
const anyBytes = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }
const bytes = { 'text/plain': { schema: { type: 'string', format: 'binary' } } }
const jobId = {
  name: 'id',
  in: 'path',
  required: true,
  schema: { type: 'string', pattern: '^[0-9a-z]{12}$' },
}
const logParameters = [
  jobId,
  {
    name: 'stream',
    in: 'query',
    description: '`all` is both in order of arrival',
    schema: { type: 'string', enum: logStreams, default: 'all' },
  },
  { name: 'attempt', in: 'query', description: 'the newest when missing', schema: { type: 'integer', minimum: 1 } },
  {
    name: 'download',
    in: 'query',
    description: 'false: not as an attachment',
    schema: { type: 'boolean', default: true },
  },
  { name: 'Range', in: 'header', description: 'one range of bytes', schema: { type: 'string' } },
]

export const plainPaths = {
  '/auth/token': {
    post: {
      operationId: 'auth.token',
      tags: ['people'],
      summary: 'OAuth2 password grant',
      security: [],
      requestBody: {
        required: true,
        content: {
          'application/x-www-form-urlencoded': {
            schema: {
              type: 'object',
              required: ['grant_type', 'username', 'password'],
              properties: {
                grant_type: { const: 'password' },
                username: { type: 'string' },
                password: { type: 'string' },
                scope: { type: 'string' },
              },
            },
          },
        },
      },
      responses: {
        200: {
          description: 'A bearer token',
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['access_token', 'token_type', 'expires_in'],
                properties: {
                  access_token: { type: 'string' },
                  token_type: { const: 'bearer' },
                  expires_in: { type: 'integer' },
                },
              },
            },
          },
        },
        401: problem('Wrong name or password'),
        422: problem('A field is missing or the grant is not `password`'),
        429: problem('Too many wrong passwords'),
      },
    },
  },
  '/jobs/{id}/logs': {
    get: {
      operationId: 'jobs.logs',
      tags: ['jobs'],
      summary: 'The raw bytes of a log, as far as they are there',
      parameters: logParameters,
      responses: {
        200: { description: 'All of it', content: bytes },
        206: { description: 'The range', content: bytes },
        404: problem('No such job or attempt, or it is not yours to see'),
        416: problem('The range begins after the end'),
      },
    },
  },
  '/jobs/{id}/artifacts/{name}': {
    get: {
      operationId: 'jobs.artifact',
      tags: ['jobs'],
      summary: 'The bytes of one artefact; `name` may have slashes',
      parameters: [
        jobId,
        { name: 'name', in: 'path', required: true, schema: { type: 'string' } },
        {
          name: 'attempt',
          in: 'query',
          description: 'the newest that left it when missing',
          schema: { type: 'integer', minimum: 1 },
        },
        { name: 'Range', in: 'header', description: 'one range of bytes', schema: { type: 'string' } },
      ],
      responses: {
        200: { description: 'All of it', content: anyBytes },
        206: { description: 'The range', content: anyBytes },
        304: { description: 'It is the one of If-None-Match' },
        404: problem('No such job or artefact, or it is not yours to see'),
        416: problem('The range begins after the end'),
        503: problem('It is on a server that is away'),
      },
    },
  },
  ...Object.fromEntries(
    (['input', 'output'] as const).map((which) => [
      `/event-runs/{id}/${which}`,
      {
        get: {
          operationId: `eventRuns.${which}`,
          tags: ['events'],
          summary: `The bytes of a run’s ${which}, with the content type that it was given`,
          parameters: [
            jobId,
            { name: 'Range', in: 'header', description: 'one range of bytes', schema: { type: 'string' } },
          ],
          responses: {
            200: { description: 'All of it', content: anyBytes },
            206: { description: 'The range', content: anyBytes },
            404: problem(`No such run, it has no ${which}, or it is not yours to see`),
            416: problem('The range begins after the end'),
            503: problem('It is on a server that is away'),
          },
        },
      },
    ]),
  ),
  '/audit/export': {
    get: {
      operationId: 'audit.export',
      tags: ['audit'],
      summary: 'The audit log as a file, oldest first (administrators)',
      parameters: [
        { name: 'format', in: 'query', schema: { type: 'string', enum: ['jsonl', 'csv'], default: 'jsonl' } },
        ...['actor', 'action', 'target', 'since', 'until'].map((name) => ({
          name,
          in: 'query',
          description: 'as in the list',
          schema: { type: 'string' },
        })),
        { name: 'result', in: 'query', schema: { type: 'string', enum: ['done', 'refused'] } },
      ],
      responses: {
        200: {
          description: 'All rows that fit',
          content: { 'application/jsonl': { schema: { type: 'string' } }, 'text/csv': { schema: { type: 'string' } } },
        },
        403: problem('Not an administrator'),
      },
    },
  },
  '/hosts/{name}/terminal': {
    get: {
      operationId: 'hosts.terminal',
      tags: ['hosts'],
      summary: 'WebSocket: a terminal on a host, for administrators (docs/hosts.md)',
      parameters: [
        { name: 'name', in: 'path', required: true, schema: { type: 'string' } },
        { name: 'cols', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 1000, default: 80 } },
        { name: 'rows', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 500, default: 24 } },
      ],
      responses: {
        101: { description: 'Binary frames are bytes of the terminal, text frames JSON messages' },
        403: problem('From a page of another origin'),
        426: problem('This address takes WebSocket connections only'),
      },
    },
  },
  '/ws': {
    get: {
      operationId: 'live',
      tags: ['jobs'],
      summary: 'WebSocket: job changes and live logs',
      description:
        'Send `{"type":"subscribe","id":"a","topic":"jobs"}` (or `job`, `log`) as text. All messages with examples, ' +
        'authentication, Origin, backpressure and resuming by offset: docs/websocket.md.',
      responses: { 101: { description: 'Switching protocols' }, 403: problem('Foreign Origin') },
    },
  },
  '/openapi.json': {
    get: {
      operationId: 'openapi',
      tags: ['system'],
      summary: 'This document',
      security: [],
      responses: {
        200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
      },
    },
  },
} as const

/** Outside the prefix, and with a principal all the same. */
export const metricsPath = '/metrics'

/** Exactly these need no principal. Everything else under the prefix answers 401 without one. */
export const openRoutes: readonly string[] = [
  'GET /api/v1/health',
  'GET /api/v1/ready',
  'GET /api/v1/openapi.json',
  'POST /api/v1/auth/token',
  'POST /api/v1/auth/session',
  'POST /api/v1/auth/password-reset',
  'DELETE /api/v1/auth/session',
]
