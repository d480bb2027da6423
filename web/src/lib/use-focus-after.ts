import { useEffect } from 'react'

/**
 * When what had the focus is taken away with this component, the focus goes to what `selector` finds, else to the page's
 * content, and not back to the beginning of the page.
 */
export function useFocusAfter(selector: string) {
  useEffect(
    () => () => {
      requestAnimationFrame(() => {
        if (document.activeElement !== document.body) return
        const target = document.querySelector<HTMLElement>(selector) ?? document.getElementById('main')
        target?.focus({ preventScroll: true })
      })
    },
    [selector],
  )
}
