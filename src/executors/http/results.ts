/** What an executor in the runner's own process does for its attempt that a script does by its helpers. */
export interface AttemptResults {
  /** Of the run; null: it has none. */
  openInput(): Promise<{ type: string; size: number; body: AsyncIterable<Uint8Array> } | null>
  /** As the output of the run, of any size. Rejects when it cannot be kept. */
  putOutput(type: string, body: AsyncIterable<Uint8Array>): Promise<void>
}
