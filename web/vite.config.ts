import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import { tanstackRouter } from '@tanstack/router-plugin/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { contractJson } from './build/contract-json.ts'
import { strictStyles } from './build/strict-styles.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const server = process.env['RUNYARD_DEV_SERVER'] ?? 'http://127.0.0.1:8000'

export default defineConfig({
  root: here('.'),
  plugins: [
    tanstackRouter({
      target: 'react',
      autoCodeSplitting: true,
      routesDirectory: here('src/routes'),
      generatedRouteTree: here('src/routeTree.gen.ts'),
      quoteStyle: 'single',
      semicolons: false,
    }),
    react(),
    tailwindcss(),
    strictStyles(),
    contractJson(here('../src/api/contract/index.ts')),
  ],
  server: { proxy: { '/api': { target: server, ws: true } } },
  build: {
    outDir: here('dist'),
    emptyOutDir: true,
    target: 'es2023',
    // Both would write inline code or data addresses that the content security policy refuses.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    rolldownOptions: {
      output: {
        // What many pages share is one file: forty small ones compress a tenth worse, and each is a request.
        codeSplitting: { groups: [{ name: 'kit', test: /lucide-react|\/src\/(components|lib)\//, minShareCount: 6 }] },
      },
    },
  },
})
