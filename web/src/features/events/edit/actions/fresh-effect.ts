import type { Effect } from '../../../../lib/api.ts'
import type { LooseAction } from '../../describe.ts'

/** The least that an effect of a kind consists of. */
export function freshEffect(kind: keyof Effect): LooseAction['do'] {
  const fresh: Record<keyof Effect, unknown> = {
    message: { channel: '', input: {} },
    event: { event: '' },
    pipeline: { name: '' },
    webhook: { method: 'POST', url: 'https://' },
    set_variable: { name: '', value: '{{ output }}' },
    rerun: {},
  }
  return { [kind]: fresh[kind] }
}
