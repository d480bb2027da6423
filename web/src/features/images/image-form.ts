import type { api, Image } from '../../lib/api.ts'
import type { FieldProblem } from '../../lib/problem.ts'

export type ImageInput = Parameters<typeof api.images.put>[0]

/** What the dialog holds, as it is typed. A stored password is never read, so it begins empty. */
export interface ImageForm {
  name: string
  reference: string
  description: string
  languages: Image['languages']
  pull: Image['pull']
  sign: 'none' | 'password' | 'secret'
  username: string
  password: string
  password_secret: string
  least: string
  most: string
  enabled: boolean
  open_to: Image['open_to']
}

export const formOf = (image: Image | null): ImageForm => ({
  name: image?.name ?? '',
  reference: image?.reference ?? '',
  description: image?.description ?? '',
  languages: image?.languages ?? [],
  pull: image?.pull ?? 'missing',
  sign: !image?.registry ? 'none' : image.registry.password_secret === null ? 'password' : 'secret',
  username: image?.registry?.username ?? '',
  password: '',
  password_secret: image?.registry?.password_secret ?? '',
  least: String(image?.warm.least ?? 0),
  most: String(image?.warm.most ?? 0),
  enabled: image?.enabled ?? true,
  open_to: image?.open_to ?? 'operators',
})

/** NaN is sent as null and refused by the server at its field. */
const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text))

export function inputOf(form: ImageForm, before: Image | null): ImageInput {
  const { languages, pull, enabled, open_to } = form
  return {
    name: form.name.trim(),
    reference: form.reference.trim(),
    description: form.description.trim() || null,
    ...{ languages, pull, enabled, open_to },
    warm: { least: number(form.least), most: number(form.most) },
    ...registryOf(form, before),
  }
}

/** Left out: what is stored stays, a password that nobody typed anew among it. */
function registryOf(form: ImageForm, before: Image | null): Pick<ImageInput, 'registry'> {
  if (form.sign === 'none') return before?.registry ? { registry: null } : {}
  const stored = formOf(before)
  const kept = stored.sign === form.sign && stored.username === form.username.trim()
  if (form.sign === 'password') {
    if (kept && form.password === '') return {}
    return { registry: { username: form.username.trim(), password: form.password } }
  }
  if (kept && stored.password_secret === form.password_secret.trim()) return {}
  return { registry: { username: form.username.trim(), password_secret: form.password_secret.trim() } }
}

/** Where the dialog shows a problem that the server has with a field. */
export function errorsOf(problems: readonly FieldProblem[]): Partial<Record<keyof ImageForm, string>> {
  const errors: Partial<Record<keyof ImageForm, string>> = {}
  for (const { field, message } of problems) {
    const inner = /^(?:registry|warm)\.(\w+)/.exec(field)?.[1]
    const place =
      inner ?? (field === 'warm' ? 'most' : field === 'registry' ? 'username' : field.replace(/[.[].*$/, ''))
    errors[place as keyof ImageForm] ??= message
  }
  return errors
}
