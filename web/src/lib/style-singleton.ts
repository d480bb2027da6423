import { useEffect } from 'react'

/**
 * Stands in for the package `react-style-singleton` (see `build/strict-styles.ts`): the same interface, but the rules
 * go into a constructable stylesheet, which a strict content security policy allows.
 */
export function stylesheetSingleton() {
  let users = 0
  let sheet: CSSStyleSheet | null = null
  return {
    add(css: string) {
      if (users++ > 0) return
      sheet = new CSSStyleSheet()
      sheet.replaceSync(css)
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
    },
    remove() {
      if (--users > 0 || !sheet) return
      const gone = sheet
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== gone)
      sheet = null
    },
  }
}

export function styleHookSingleton() {
  const sheet = stylesheetSingleton()
  return (css: string) =>
    useEffect(() => {
      sheet.add(css)
      return () => sheet.remove()
    }, [css])
}

export function styleSingleton() {
  const useStyle = styleHookSingleton()
  return function Sheet({ styles }: { styles: string }) {
    useStyle(styles)
    return null
  }
}
