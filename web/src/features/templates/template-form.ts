import type { MessageTemplate, Tool } from '../../lib/api.ts'

export type Input = Record<string, unknown>

export interface Action {
  /** `slack send`. */
  key: string
  label: string
  fields: readonly string[]
  schema: unknown
}

/** What templates can be written for: each action of each tool. */
export const actionsOf = (tools: readonly Tool[]): Action[] =>
  tools.flatMap(({ name, title, actions }) =>
    actions.map((action) => ({
      key: `${name} ${action.name}`,
      label: actions.length === 1 ? title : `${title}: ${action.title}`,
      fields: Object.keys((action.input as { properties?: object } | null)?.properties ?? {}),
      schema: action.input,
    })),
  )

/** Of which action the fields are: the one that knows most of them, of several the first. */
export function actionFor(actions: readonly Action[], input: Input): Action | undefined {
  const names = Object.keys(input)
  const known = ({ fields }: Action) => names.filter((name) => fields.includes(name)).length
  return actions.reduce<Action | undefined>((best, one) => (best && known(best) >= known(one) ? best : one), undefined)
}

/** Fields that the action does not have: a template may serve several tools. */
export function othersOf(input: Input, action: Action | undefined): Input {
  return Object.fromEntries(Object.entries(input).filter(([name]) => !action?.fields.includes(name)))
}

/** The own ones of the form, and with them what the action does not know. */
export const joined = (own: Input, others: Input, action: Action | undefined): Input => ({
  ...Object.fromEntries(Object.entries(own).filter(([name]) => action?.fields.includes(name))),
  ...others,
})

export const isMine = (template: MessageTemplate, me: { username: string; role: string } | undefined): boolean =>
  me?.role === 'admin' || (me?.role === 'operator' && me.username === template.owner)
