import { Plus } from 'lucide-react'
import { useState } from 'react'
import { Menu, MenuItem } from '../../../../components/menu.tsx'
import { buttonLook } from '../../../../components/button.tsx'
import type { Effect, EventDefinitionInput } from '../../../../lib/api.ts'
import { effectKinds, effectLabels, effectText, whenText, type LooseAction } from '../../describe.ts'
import { useEditor } from '../editor-context.ts'
import { freeName, ItemCard, moved, replaced } from '../item-card.tsx'
import { ActionFields } from './action-fields.tsx'
import { freshEffect } from './fresh-effect.ts'

const baseNames: Record<keyof Effect, string> = {
  message: 'tell',
  event: 'run-event',
  pipeline: 'start-pipeline',
  webhook: 'call',
  set_variable: 'remember',
  rerun: 'again',
}

/** What follows a run. */
export function ActionsTab() {
  const { definition, set, hasErrors } = useEditor()
  const [added, setAdded] = useState<string | null>(null)
  const actions = (definition.actions ?? []) as LooseAction[]
  const change = (next: LooseAction[]) => set({ actions: next as EventDefinitionInput['actions'] })
  const add = (kind: keyof Effect) => {
    const name = freeName(baseNames[kind], actions)
    setAdded(name)
    change([
      ...actions,
      {
        name,
        on: kind === 'rerun' ? 'failure' : 'success',
        do: freshEffect(kind),
        ...(kind === 'rerun' ? { repeat: { times: 3, every_seconds: 300 } } : {}),
      },
    ])
  }
  return (
    <div className="flex flex-col gap-3">
      {actions.length === 0 && (
        <p className="rounded-lg border border-dashed border-line-strong/50 px-4 py-8 text-center text-sm text-muted">
          Nothing follows a run yet. An action tells a channel, runs another event with this one’s output, starts a
          pipeline, calls a webhook, or keeps a value.
        </p>
      )}
      {actions.length > 0 && (
        <ol aria-label="Actions" className="flex flex-col gap-2">
          {actions.map((action, index) => (
            <ItemCard
              key={index}
              title={action.name}
              summary={`${whenText(action)}: ${effectText(action.do)}`}
              wrong={hasErrors(`actions[${index}]`)}
              off={action.enabled === false}
              openAtFirst={action.name === added}
              onRemove={() => change(actions.filter((_, i) => i !== index))}
              place={index === 0 ? 'first' : index === actions.length - 1 ? 'last' : 'between'}
              onMove={actions.length > 1 ? (step) => change(moved(actions, index, step)) : undefined}
            >
              <ActionFields
                action={action}
                at={`actions[${index}]`}
                onChange={(part) => change(replaced(actions, index, part))}
              />
            </ItemCard>
          ))}
        </ol>
      )}
      <div className="self-start">
        <Menu
          align="left"
          label="Add an action"
          triggerClassName={buttonLook()}
          trigger={
            <>
              <Plus aria-hidden className="size-4" /> Add an action
            </>
          }
        >
          {effectKinds.map((kind) => (
            <MenuItem key={kind} onSelect={() => add(kind)}>
              {effectLabels[kind]}
            </MenuItem>
          ))}
        </Menu>
      </div>
    </div>
  )
}
