/**
 * Aho-Corasick over bytes: all forms of all secrets are looked for at once, in time linear in the output whatever the
 * job prints. Edges lie in one hash table of typed arrays: some 40 bytes for each byte of a form, where a full table
 * would take 1 KiB.
 */
export interface Matcher {
  /** No form at all: everything passes. */
  empty: boolean
  /** The state after `byte`; 0 is the root. */
  next(state: number, byte: number): number
  /** Length of the longest beginning of a form that ends here: no later match begins before it. */
  depth: Int32Array
  /** Length of the longest form that ends here, 0: none. */
  found: Int32Array
  /** 1 at `first * 256 + second` for the two bytes that a form begins with: most output is skipped by it. */
  pairs: Uint8Array
}

/** Each form has at least two bytes. */
export function createMatcher(forms: Buffer[]): Matcher {
  const most = forms.reduce((sum, form) => sum + form.length, 1)
  const depth = new Int32Array(most)
  const found = new Int32Array(most)
  const fail = new Int32Array(most)
  const parent = new Int32Array(most)
  const byteOf = new Uint8Array(most)
  const pairs = new Uint8Array(65536)
  const edges = createEdges(most)
  let states = 1
  for (const form of forms) {
    let state = 0
    for (const byte of form) {
      let to = edges.get(state, byte)
      if (to === 0) {
        to = states++
        depth[to] = depth[state]! + 1
        parent[to] = state
        byteOf[to] = byte
        edges.set(state, byte, to)
      }
      state = to
    }
    found[state] = form.length
    pairs[form[0]! * 256 + form[1]!] = 1
  }

  const next = (state: number, byte: number): number => {
    let at = state
    for (;;) {
      const to = edges.get(at, byte)
      if (to !== 0 || at === 0) return to
      at = fail[at]!
    }
  }

  // By depth: the failure of a state is shorter than it, so it is ready before.
  for (const state of byDepth(depth.subarray(0, states))) {
    if (state === 0) continue
    fail[state] = parent[state] === 0 ? 0 : next(fail[parent[state]!]!, byteOf[state]!)
    found[state] = Math.max(found[state]!, found[fail[state]!]!)
  }
  return { empty: forms.length === 0, next, depth, found, pairs }
}

/** Counting sort: there may be a million states. */
function byDepth(depth: Int32Array): Int32Array {
  let deepest = 0
  for (const d of depth) deepest = Math.max(deepest, d)
  const starts = new Int32Array(deepest + 2)
  for (const d of depth) starts[d + 1]! += 1
  for (let d = 1; d < starts.length; d++) starts[d]! += starts[d - 1]!
  const order = new Int32Array(depth.length)
  depth.forEach((d, state) => (order[starts[d]!++] = state))
  return order
}

interface Edges {
  get(state: number, byte: number): number
  set(state: number, byte: number, to: number): void
}

/** Open addressing, at most half full. A key is state * 256 + byte + 1; 0 is an empty place. */
function createEdges(most: number): Edges {
  let size = 16
  while (size < most * 2) size *= 2
  const keys = new Float64Array(size)
  const targets = new Int32Array(size)
  const place = (state: number, byte: number): number => {
    const key = state * 256 + byte + 1
    let at = Math.imul(state * 257 + byte, 0x9e3779b1) >>> 0
    at = (at ^ (at >>> 15)) & (size - 1)
    while (keys[at] !== 0 && keys[at] !== key) at = (at + 1) & (size - 1)
    return at
  }
  return {
    get: (state, byte) => targets[place(state, byte)]!,
    set(state, byte, to) {
      const at = place(state, byte)
      keys[at] = state * 256 + byte + 1
      targets[at] = to
    },
  }
}
