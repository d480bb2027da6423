import { pathToFileURL } from 'node:url'
import { isContractProcedure } from '@orpc/contract'
import type { Plugin } from 'vite'

const id = 'virtual:contract'

/**
 * Gives the browser the routes of `src/api/contract` as plain JSON, made at build time: method and path of each
 * procedure, without zod and the schemas (1 kB gzipped instead of 34). The types still come from the contract itself.
 */
export function contractJson(contractFile: string): Plugin {
  return {
    name: 'runyard:contract-json',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    async load(resolved) {
      if (resolved !== `\0${id}`) return undefined
      const { contract } = (await import(pathToFileURL(contractFile).href)) as { contract: object }
      return `export default ${JSON.stringify(routesOf(contract))}`
    },
  }
}

type Routes = { [name: string]: Routes | [method: string, path: string] }

const routesOf = (contract: object): Routes =>
  Object.fromEntries(
    Object.entries(contract).map(([name, entry]: [string, object]) => {
      if (!isContractProcedure(entry)) return [name, routesOf(entry)]
      const { method = 'POST', path } = entry['~orpc'].route
      if (path === undefined) throw new Error(`the procedure ${name} has no path`)
      return [name, [method, path]]
    }),
  )
