import { lazy, Suspense } from 'react'
import { cn } from '../../lib/cn.ts'
import type { CodeLanguage } from './languages.ts'

export interface CodeEditorProps {
  value: string
  onChange: (text: string) => void
  language: CodeLanguage
  /** What it is, for those who hear it. */
  label: string
  invalid?: boolean
  describedBy?: string
  /** Names of the environment, offered where one is read. */
  env?: readonly { name: string; detail: string }[]
  placeholder?: string
  /** Numbers of lines. */
  gutter?: boolean
  autoFocus?: boolean
  /** Control or Command and Enter. */
  onRun?: () => void
  className?: string
}

// Not `lazyPart`: it weighs as much as a page, and is fetched only where something is edited.
const CodeEditor = lazy(() => import('./code-editor.tsx'))

/** The code editor, and its text while that is on its way. */
export function CodeField(props: CodeEditorProps) {
  return (
    <Suspense
      fallback={
        <pre
          className={cn(
            'overflow-hidden rounded-md border border-line bg-log p-2 pl-12 font-mono text-sm text-muted',
            props.className,
          )}
        >
          {props.value}
        </pre>
      }
    >
      <CodeEditor {...props} />
    </Suspense>
  )
}
