import { createContext, use, useEffect, useId } from 'react'
import type { EventDefinitionInput } from '../../../lib/api.ts'

export interface EditorContext {
  definition: EventDefinitionInput
  set: (change: Partial<EventDefinitionInput>) => void
  /** What the server says against a field, `actions[0].if`. */
  errorOf: (field: string) => string | undefined
  /** Whether something is wrong at or below a field. */
  hasErrors: (field: string) => boolean
  /** A text that cannot be read as what it should be: nothing is saved until it can. */
  markUnreadable: (id: string, unreadable: boolean) => void
  /** What conditions and templates are tried with. */
  sample: string
  setSample: (text: string) => void
}

const Context = createContext<EditorContext | null>(null)
export const EditorProvider = Context.Provider
export const useEditor = (): EditorContext => use(Context)!

/** Keeps the editor from saving while `unreadable`. */
export function useUnreadable(unreadable: boolean) {
  const id = useId()
  const { markUnreadable } = useEditor()
  useEffect(() => {
    markUnreadable(id, unreadable)
    return () => markUnreadable(id, false)
  }, [id, unreadable, markUnreadable])
}
