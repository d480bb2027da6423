import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const singleton = here('../src/lib/style-singleton.ts')
const styleElement = here('../src/lib/style-element.ts')

/**
 * Four libraries write `<style>` elements at run time, which `style-src 'self'` refuses. Rather than weaken the policy:
 * sonner's injected text is dropped (its stylesheet is imported as a file), and `react-style-singleton` (radix dialogs)
 * is replaced by one that uses constructable stylesheets. The code editor's (`style-mod`) can those too, but uses them
 * in shadow trees only; here it does in the document. The terminal (`@xterm/xterm`) gets elements that do the same, and
 * sets the colours of a cell as a property instead of an attribute.
 */
export function strictStyles(): Plugin {
  return {
    name: 'runyard:strict-styles',
    enforce: 'pre',
    resolveId: (source) => (source === 'react-style-singleton' ? singleton : undefined),
    transform(code, file) {
      if (file.includes('/style-mod/')) {
        const onlyInShadowTrees = 'if (!root.head && root.adoptedStyleSheets'
        if (!code.includes(onlyInShadowTrees)) this.error('style-mod is another; look at build/strict-styles.ts')
        return { code: code.replace(onlyInShadowTrees, 'if (root.adoptedStyleSheets'), map: null }
      }
      if (file.includes('/@xterm/xterm/lib/')) {
        const element = /[\w$.]+\.createElement\("style"\)/g
        const attribute = /(\w+)\.setAttribute\("style",`\$\{\1\.getAttribute\("style"\)\|\|""\}\$\{(\w+)\};`\)/
        if (code.match(element)?.length !== 3 || !attribute.test(code))
          this.error('xterm is another; look at build/strict-styles.ts')
        const plain = code.replace(element, '__styleElement()').replace(attribute, '$1.style.cssText+=$2')
        return { code: `import{styleElement as __styleElement}from${JSON.stringify(styleElement)};${plain}`, map: null }
      }
      if (!file.includes('/sonner/dist/index.')) return undefined
      const call = /^__insertCSS\("(?:[^"\\]|\\.)*"\);?$/m
      if (!call.test(code)) this.error('sonner no longer injects its styles as it did; look at build/strict-styles.ts')
      return { code: code.replace(call, ''), map: null }
    },
  }
}
