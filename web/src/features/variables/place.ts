import { withUnknown } from '../../lib/search-params.ts'

/** Which variables are shown, as it stands in the URL. */
export interface VariablesPlace {
  kind?: 'plain' | 'secret'
  scope?: 'user' | 'global'
  /** Part of the name. */
  q?: string
  unknown?: string
}

export function readVariablesPlace(search: Record<string, unknown>): VariablesPlace {
  const { kind, scope, q } = search
  return withUnknown(search, {
    kind: kind === 'plain' || kind === 'secret' ? kind : undefined,
    scope: scope === 'user' || scope === 'global' ? scope : undefined,
    q: typeof q === 'string' && q !== '' ? q.slice(0, 128) : undefined,
  })
}
