/** `certs init`: the first authority, the next one, or the one that ends all before it. */
import type { ApiCalls } from '../api/client.ts'
import { AppError } from '../lib/app-error.ts'
import { confirm } from './prompt.ts'

export interface InitWish {
  name?: string
  years?: number
  rotate?: boolean
  endOld?: boolean
  yes?: boolean
}

/** Undefined: nobody wanted it. */
export async function init({ certificates }: Pick<ApiCalls, 'certificates'>, wish: InitWish) {
  const { name, years, rotate, endOld, yes } = wish
  const agreed = async (question: string): Promise<boolean> => {
    if (yes) return true
    if (process.stdin.isTTY) return confirm(question)
    throw new AppError('invalid_argument', `no terminal to ask on (${question}): add --yes`)
  }
  if (endOld && !(await agreed('End every certificate there is? Runners have to be enrolled again.'))) return undefined
  if (rotate && !endOld) {
    const { authorities } = await certificates.listAuthorities()
    // The first one replaces nothing, so there is nothing to think over.
    if (
      authorities.length > 0 &&
      !(await agreed(`Make a new one? There will be ${authorities.length + 1} authorities, all of them trusted.`))
    )
      return undefined
  }
  return certificates.initAuthority({ name, years, rotate: rotate || endOld, end_old: endOld })
}
