import { OpenAPIGenerator } from '@orpc/openapi'
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4'
import * as z from 'zod'
import { apiPrefix, problemSchema } from '../contract/base.ts'
import { contract } from '../contract/index.ts'
import { openRoutes, plainPaths } from '../contract/plain.ts'

interface Operation {
  security?: unknown[]
  responses?: Record<string, unknown>
}

/** OpenAPI 3.1 of the contract and the plain routes together. */
export async function openApiDocument(version: string): Promise<Record<string, unknown>> {
  const generator = new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] })
  const document = await generator.generate(contract, {
    info: { title: 'Runyard', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: apiPrefix }],
    security: [{ bearer: [] }, { session: [] }],
  })
  const paths: Record<string, Record<string, unknown>> = { ...document.paths } as never
  for (const [path, operations] of Object.entries(plainPaths)) paths[path] = { ...paths[path], ...operations }
  const anyError = {
    description: 'Anything that is no success',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations as Record<string, Operation>)) {
      operation.responses = { ...operation.responses, default: anyError }
      if (openRoutes.includes(`${method.toUpperCase()} ${apiPrefix}${path}`)) operation.security = []
    }
  }
  return {
    ...document,
    openapi: '3.1.1',
    paths,
    components: {
      ...document.components,
      schemas: { ...document.components?.schemas, Problem: z.toJSONSchema(problemSchema) },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'Access token of /auth/token, or an API token' },
        session: { type: 'apiKey', in: 'cookie', name: 'runyard_session' },
      },
    },
  }
}
