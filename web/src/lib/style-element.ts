/**
 * Stands in for a `<style>` element that a library fills with text (see `build/strict-styles.ts`): its rules go into a
 * constructable stylesheet, which a strict content security policy allows.
 */
export function styleElement(): HTMLElement {
  const sheet = new CSSStyleSheet()
  const element = document.createElement('template')
  let text = ''
  Object.defineProperty(element, 'textContent', {
    get: () => text,
    set: (css: string) => {
      text = css
      sheet.replaceSync(css)
    },
  })
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet)
    Element.prototype.remove.call(element)
  }
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
  return element
}
