import { useId, type KeyboardEvent, type ReactNode } from 'react'
import { cn } from '../lib/cn.ts'

export interface Tab<K extends string> {
  key: K
  label: ReactNode
}

interface TabsProps<K extends string> {
  label: string
  tabs: readonly Tab<K>[]
  value: K
  onChange: (key: K) => void
  /** What the chosen tab shows. */
  children: ReactNode
  className?: string
}

/** Views of one thing, one at a time; arrow keys go from tab to tab. */
export function Tabs<K extends string>({ label, tabs, value, onChange, children, className }: TabsProps<K>) {
  const id = useId()
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (!step) return
    event.preventDefault()
    const at = tabs.findIndex(({ key }) => key === value)
    const next = tabs[(at + step + tabs.length) % tabs.length]!
    onChange(next.key)
    document.getElementById(`${id}-${next.key}`)?.focus()
  }
  return (
    <div className={cn('flex min-w-0 flex-col gap-3', className)}>
      <div
        role="tablist"
        aria-label={label}
        onKeyDown={onKeyDown}
        className="flex gap-1 overflow-x-auto border-b border-line"
      >
        {tabs.map((tab) => (
          <button
            key={tab.key}
            id={`${id}-${tab.key}`}
            type="button"
            role="tab"
            aria-selected={tab.key === value}
            aria-controls={`${id}-panel`}
            tabIndex={tab.key === value ? 0 : -1}
            onClick={() => onChange(tab.key)}
            className={cn(
              '-mb-px border-b-2 px-2.5 py-1.5 text-sm font-medium whitespace-nowrap focus-visible:-outline-offset-2',
              tab.key === value ? 'border-accent text-text' : 'border-transparent text-muted hover:text-text',
            )}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${value}`} className="min-w-0">
        {children}
      </div>
    </div>
  )
}
