declare module 'virtual:contract' {
  import type { AnyContractRouter } from '@orpc/contract'
  /** Method and path of every procedure, made by `build/contract-json.ts`. */
  const contract: AnyContractRouter
  export default contract
}
