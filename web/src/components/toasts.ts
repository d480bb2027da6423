import { visibleText } from '../lib/visible-text.ts'

/** Short notices. The code that draws them is a file of its own, loaded when the first page is there. */
type Kind = 'success' | 'error'

export const loadToaster = () => import('./toaster.tsx')

export function toast(kind: Kind, text: string, description?: string): void {
  void loadToaster().then(({ show }) => show(kind, visibleText(text), description && visibleText(description)))
}
