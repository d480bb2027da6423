import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder with our package.json, from the sources and from the bundle in dist/ alike. */
export const packageRoot: string = (() => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'bin', 'runyard.js')) && folder !== dirname(folder)) folder = dirname(folder)
  return folder
})()

/** How to start ourselves again, as what we are: what `node` runs. */
export const entryFile: string = import.meta.url.endsWith('.ts')
  ? join(packageRoot, 'src', 'main.ts')
  : join(packageRoot, 'dist', 'runyard.js')

/** The built dashboard: in a checkout where it was built, in the package beside the program. */
export const webRoot: string = existsSync(join(packageRoot, 'web'))
  ? join(packageRoot, 'web', 'dist')
  : join(packageRoot, 'dist', 'web')
