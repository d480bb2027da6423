/** argon2id, PHC strings, the parameters in one place. */
import { hash, verify } from '@node-rs/argon2'
import { randomBytes } from 'node:crypto'

// OWASP's first choice for argon2id; about 50 ms and 19 MiB for each sign-in. `algorithm: 2` is Argon2id: the package
// exports a const enum, which type stripping does not know.
const parameters = { algorithm: 2, memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 }

/** Each takes 19 MiB for its time: a flood of sign-ins waits here instead of taking the memory of the server. */
const atOnce = 4
let running = 0
const queue: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= atOnce) await new Promise<void>((resolve) => queue.push(resolve))
  else running += 1
  try {
    return await work()
  } finally {
    const next = queue.shift()
    if (next) next()
    else running -= 1
  }
}

export const hashPassword = (password: string): Promise<string> => inTurn(() => hash(password, parameters))

let nobody: Promise<string> | undefined

/** `undefined` for a user that does not exist: takes as long as a wrong password, so names cannot be probed by time. */
export async function passwordMatches(stored: string | undefined, password: string): Promise<boolean> {
  const against = stored ?? (await (nobody ??= hashPassword(randomBytes(24).toString('base64'))))
  const matches = await inTurn(() => verify(against, password))
  return matches && stored !== undefined
}

/** 24 characters that are easy to copy: no quotes, nothing a shell knows. */
export const generatePassword = (): string => randomBytes(18).toString('base64url')
