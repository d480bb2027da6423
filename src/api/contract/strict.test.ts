/** R4: no route takes a field that it does not know, at any depth: every object of every input is closed. */
import { isContractProcedure } from '@orpc/contract'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { contract } from './index.ts'

interface Schema {
  type?: string
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  items?: Schema | Schema[]
  [key: string]: unknown
}

function proceduresOf(router: object, path: string[] = []): [string, z.ZodType][] {
  return Object.entries(router).flatMap(([name, entry]: [string, unknown]) => {
    if (!isContractProcedure(entry)) return proceduresOf(entry as object, [...path, name])
    const schema = entry['~orpc'].inputSchema
    return schema === undefined ? [] : [[[...path, name].join('.'), schema as unknown as z.ZodType] as const]
  }) as [string, z.ZodType][]
}

/** Names whose values are anybody's: environment, labels, parameters. Their values are text or numbers, never settings. */
const openObjects = (schema: Schema, path: string): string[] => {
  const found: string[] = []
  if (schema.type === 'object' && schema.additionalProperties !== false) {
    const isRecord = schema.properties === undefined && typeof schema.additionalProperties === 'object'
    if (!isRecord) found.push(path)
  }
  for (const [name, value] of Object.entries(schema)) {
    if (typeof value !== 'object' || value === null) continue
    if (name === 'properties') {
      for (const [field, inner] of Object.entries(value))
        found.push(...openObjects(inner as Schema, `${path}.${field}`))
    } else if (Array.isArray(value)) {
      for (const inner of value) {
        if (typeof inner === 'object' && inner !== null) found.push(...openObjects(inner as Schema, path))
      }
    } else found.push(...openObjects(value as Schema, path))
  }
  return found
}

const procedures = proceduresOf(contract)

test('there are routes to look at', () => {
  expect(procedures.length).toBeGreaterThan(40)
})

test.each(procedures)('R4: %s', (name, schema) => {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema
  expect(openObjects(json, name)).toEqual([])
})

/** What a field that is not theirs would be called. */
const privileged = ['uid', 'gid', 'run_as', 'tenant_id', 'role', 'owner', 'owner_id', 'scopes', 'id', 'is_admin']
const given: [string, z.ZodType, object][] = [
  ['users.change', contract.users.change['~orpc'].inputSchema!, { username: 'anna', max_running: 1 }],
  ['users.createReset', contract.users.createReset['~orpc'].inputSchema!, { username: 'anna' }],
  [
    'account.useReset',
    contract.account.useReset['~orpc'].inputSchema!,
    { username: 'anna', code: 'x', password: 'ten letters and more' },
  ],
  ['tokens.create', contract.tokens.create['~orpc'].inputSchema!, { name: 'x' }],
  ['audit.verify', contract.audit.verify['~orpc'].inputSchema!, {}],
  [
    'users.setPassword',
    contract.users.setPassword['~orpc'].inputSchema!,
    { username: 'anna', password: 'ten letters and more' },
  ],
]

test.each(given)(
  'R4: %s names a field that it does not know, and takes nothing from __proto__',
  (_name, schema, body) => {
    expect(schema.safeParse(body).success).toBe(true)
    const known = new Set(
      Object.keys((z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema).properties ?? {}),
    )
    for (const field of privileged.filter((each) => !known.has(each))) {
      const refused = schema.safeParse({ ...body, [field]: 'admin' })
      expect([field, refused.success]).toEqual([field, false])
      expect(JSON.stringify(refused.error?.issues)).toContain(field)
    }
    const polluted = JSON.parse(
      JSON.stringify(body).replace(/^\{/, '{"__proto__":{"role":"admin"},').replace(',}', '}'),
    ) as object
    expect(schema.safeParse(polluted).success).toBe(false)
    expect(({} as { role?: string }).role).toBeUndefined()
  },
)
