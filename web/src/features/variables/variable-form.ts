import type { Variable } from '../../lib/api.ts'

/** As it is typed. */
export interface VariableForm {
  name: string
  scope: Variable['scope']
  secret: boolean
  description: string
  /** Of a secret that is there: empty, and it stays as it is. */
  value: string
}

export const newForm = (secret: boolean): VariableForm => ({
  ...{ name: '', scope: 'user', secret, description: '', value: '' },
})

export const formOf = ({ name, scope, secret, description, value }: Variable): VariableForm => ({
  ...{ name, scope, secret, description: description ?? '', value: value ?? '' },
})

/** What is sent: of one that is there only what changed, and the version that was seen. */
export function bodyOf(form: VariableForm, before: Variable | null) {
  const { name, scope, secret, value } = form
  const description = form.description.trim() || null
  const key = { scope, name: name.trim() }
  if (before === null) return { ...key, secret, value, ...(description && { description }), expect_version: '0' }
  // An empty field is no new value of a secret, also when it stops to be one: then the server asks for one.
  const keeps = before.secret ? value === '' : value === before.value
  return {
    ...key,
    ...(secret !== before.secret && { secret }),
    ...(description !== before.description && { description }),
    ...(!keeps && { value }),
    expect_version: before.version,
  }
}

const encoder = new TextEncoder()
export const bytesOf = (text: string): number => encoder.encode(text).length
