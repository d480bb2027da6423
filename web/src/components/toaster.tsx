import { createRoot } from 'react-dom/client'
import { Toaster, toast as sonner } from 'sonner'
import 'sonner/dist/styles.css'
import './toaster.css'

let mounted = false

/** A root of its own: a notice must survive the page that caused it. */
function mount() {
  if (mounted) return
  mounted = true
  const element = document.createElement('div')
  document.body.append(element)
  createRoot(element).render(
    <Toaster position="bottom-right" toastOptions={{ classNames: { toast: 'runyard-toast' } }} gap={8} closeButton />,
  )
}

export function show(kind: 'success' | 'error', text: string, description?: string) {
  mount()
  sonner[kind](text, { description, duration: kind === 'error' ? 8000 : 3500 })
}
