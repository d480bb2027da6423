/** Short notices. The code that draws them is loaded with the first one. */
type Kind = 'success' | 'error'

export function toast(kind: Kind, text: string, description?: string): void {
  void import('./toaster.tsx').then(({ show }) => show(kind, text, description))
}
