import { OpenAPIGenerator } from '@orpc/openapi'
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4'
import { prunnerContract } from './contract.ts'

/** OpenAPI of the six routes, for `GET /openapi.json` of their listener. */
export async function prunnerDocument(version: string): Promise<Record<string, unknown>> {
  const generator = new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] })
  const document = await generator.generate(prunnerContract, {
    info: {
      title: 'Runyard for clients of prunner',
      version,
      description: 'Errors are `{"error": "…"}`. What Runyard can do beyond this is under /api/v1 of its own port.',
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { cookie: [] }],
  })
  return {
    ...document,
    openapi: '3.1.1',
    components: {
      ...document.components,
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description:
            'HS256, signed with `jwt_secret` of .prunner.yml; `sub` becomes the job’s `user`, `exp` is honoured',
        },
        cookie: { type: 'apiKey', in: 'cookie', name: 'jwt' },
      },
    },
  }
}
