/** Asks again every few milliseconds until the answer is neither false nor undefined; fails loudly when it never is. */
export async function until<T>(
  ask: () => T | Promise<T>,
  what = 'the condition',
  ms = 10_000,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + ms
  for (;;) {
    const answer = await ask()
    if (answer !== false && answer !== null && answer !== undefined) {
      return answer as Exclude<T, false | null | undefined>
    }
    if (performance.now() > deadline) throw new Error(`${what} did not come true within ${ms} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
