/** Waits for a condition, not for time. */
export async function until(condition: () => boolean | Promise<boolean>, patienceMs = 15_000): Promise<void> {
  const giveUpAt = performance.now() + patienceMs
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`did not happen within ${patienceMs / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
