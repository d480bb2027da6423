import { TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { Tabs } from '../../../components/tabs.tsx'
import type { EventDefinitionInput } from '../../../lib/api.ts'
import type { FieldProblem } from '../../../lib/problem.ts'
import type { EditTab } from '../place.ts'
import { isScript, kindLabels } from '../words.ts'
import { tabOfField } from './tab-of-field.ts'

interface EditorTabsProps {
  tab: EditTab
  onTab: (tab: EditTab) => void
  definition: EventDefinitionInput
  /** Marked on the tabs where they are corrected. */
  wrong: readonly FieldProblem[]
  children: ReactNode
}

/** The parts of an event, each with how many there are and whether something in it is wrong. */
export function EditorTabs({ tab, onTab, definition, wrong, children }: EditorTabsProps) {
  const label = (one: EditTab, text: string, n = 0) => {
    const count = wrong.filter(({ field }) => tabOfField(field) === one).length
    return (
      <span className="inline-flex items-center gap-1.5">
        {text}
        {n > 0 && <span className="text-xs font-normal text-muted tabular-nums">{n}</span>}
        {count > 0 && <TriangleAlert role="img" aria-label={`${count} to correct`} className="size-3.5 text-failed" />}
      </span>
    )
  }
  return (
    <Tabs
      label="Parts of the event"
      className="min-w-0 [&>[role=tabpanel]]:flex [&>[role=tabpanel]]:flex-col"
      value={tab}
      onChange={onTab}
      tabs={[
        { key: 'what', label: label('what', isScript(definition.kind) ? 'Script' : kindLabels[definition.kind]) },
        {
          key: 'triggers',
          label: label('triggers', 'Triggers', (definition.schedules ?? []).length + (definition.after ?? []).length),
        },
        { key: 'actions', label: label('actions', 'Actions', (definition.actions ?? []).length) },
        { key: 'settings', label: label('settings', 'Settings') },
        { key: 'yaml', label: 'YAML' },
      ]}
    >
      {children}
    </Tabs>
  )
}
