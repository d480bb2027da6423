import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'

const singleton = fileURLToPath(new URL('../src/lib/style-singleton.ts', import.meta.url))

/**
 * Three libraries write `<style>` elements at run time, which `style-src 'self'` refuses. Rather than weaken the policy:
 * sonner's injected text is dropped (its stylesheet is imported as a file), and `react-style-singleton` (radix dialogs)
 * is replaced by one that uses constructable stylesheets. The code editor's (`style-mod`) can those too, but uses them
 * in shadow trees only; here it does in the document.
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
      if (!file.includes('/sonner/dist/index.')) return undefined
      const call = /^__insertCSS\("(?:[^"\\]|\\.)*"\);?$/m
      if (!call.test(code)) this.error('sonner no longer injects its styles as it did; look at build/strict-styles.ts')
      return { code: code.replace(call, ''), map: null }
    },
  }
}
