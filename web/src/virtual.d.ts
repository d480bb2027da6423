declare module 'virtual:contract' {
  import type { Routes } from './lib/call.ts'
  /** Method and path of every procedure, made by `build/contract-json.ts`. */
  const routes: Routes
  export default routes
}
