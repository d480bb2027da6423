import { implement } from '@orpc/server'
import { contract } from '../contract/index.ts'
import type { CallContext } from './contract-routes.ts'

/** What each group of routes is made with. */
export const implementer = () => implement(contract).$context<CallContext>()
export type Implementer = ReturnType<typeof implementer>
