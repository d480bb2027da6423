/** What channels can do, as JSON Schema: forms are drawn from it. */
import * as z from 'zod'
import { may } from '../access/permissions.ts'
import { tools } from '../job/tools/index.ts'
import type { Json } from '../lib/json.ts'
import { known, refusal, type Ask } from './deps.ts'

/** As one writes it, before defaults; what JSON Schema cannot say (a check over two fields) is left out. */
const schemaOf = (schema: z.ZodType): Json =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-2020-12' }) as Json

const shown = Object.values(tools).map(({ actions, credentials, ...tool }) => ({
  ...tool,
  credentials: schemaOf(credentials),
  actions: actions.map(({ name, title, description, input, example }) => ({
    ...{ name, title, description, example },
    input: schemaOf(input),
  })),
}))

export function listTools(anyAsk: Ask) {
  const ask = known(anyAsk)
  if (!may(ask.principal, 'channel.read')) throw refusal(ask, 'channel.read', 'you may not see channels')
  return { tools: shown }
}
