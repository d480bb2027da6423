/** End-to-end tests start whole systems: from the bundle, as users do, made of the sources as they are now. */
import { buildProgram } from '../scripts/program.ts'

export async function setup(): Promise<void> {
  await buildProgram()
}
