/** References of images as engines write them: their parts, whether two mean the same, and which ones are allowed. */

interface Parts {
  /** With its registry: `docker.io/library/python`. */
  repository: string
  tag: string | null
  /** `sha256:…` */
  digest: string | null
}

/** Of a reference that `imageReference` accepts. What leaves out its registry means Docker Hub, as with every engine. */
export function partsOf(reference: string): Parts {
  const [rest = '', digest = null] = reference.split('@')
  const slash = rest.lastIndexOf('/')
  const colon = rest.indexOf(':', slash + 1)
  const named = colon === -1 ? rest : rest.slice(0, colon)
  return { repository: withRegistry(named), tag: colon === -1 ? null : rest.slice(colon + 1), digest }
}

function withRegistry(named: string): string {
  const [first = '', ...more] = named.split('/')
  if (more.length === 0) return `docker.io/library/${named}`
  return /[.:]/.test(first) || first === 'localhost' ? named : `docker.io/${named}`
}

/** `repository:tag` or `repository@digest`: what an engine looks up. With both, engines go by the digest alone. */
export function fullReference(reference: string): string {
  const { repository, tag, digest } = partsOf(reference)
  return digest === null ? `${repository}:${tag ?? 'latest'}` : `${repository}@${digest}`
}

/** The same reference for good: by its digest, with the tag that people know it by. */
export function pinned(reference: string, digest: string): string {
  const { repository, tag } = partsOf(reference)
  return `${repository}${tag === null ? '' : `:${tag}`}@${digest}`
}

/** What an engine has, as it lists an image: each tag, with the digest by which the same repository gives it again. */
export function listedReferences(tags: readonly string[], digests: readonly string[]): string[] {
  const named = tags.filter((tag) => !tag.startsWith('<none>'))
  return named.map((tag) => {
    const { repository } = partsOf(tag)
    const digest = digests.map(partsOf).find((one) => one.repository === repository && one.digest !== null)?.digest
    return digest === undefined || digest === null ? tag : pinned(tag, digest)
  })
}

/**
 * May `reference` be used under RUNYARD_CONTAINER_IMAGES? `*` stands for anything but `/`, `**` for anything. An entry
 * without a tag means the repository, whatever the tag or digest; one with a tag means no digest beside it, since that
 * alone would count.
 */
export function matchesAllowed(reference: string, patterns: readonly string[]): boolean {
  const { repository, tag, digest } = partsOf(reference)
  const whole = `${repository}${digest === null || tag !== null ? `:${tag ?? 'latest'}` : ''}${digest === null ? '' : `@${digest}`}`
  return patterns.some((pattern) => {
    const full = pattern.startsWith('*') ? pattern : withRegistryOf(pattern)
    const expression = full.replaceAll(/\*\*|\*|[^*]+/g, (part) =>
      part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replaceAll(/[.+?^${}()|[\]\\/]/g, String.raw`\$&`),
    )
    const tagless = !/[:@][^/]*$/.test(full)
    return new RegExp(`^${expression}$`).test(whole) || (tagless && new RegExp(`^${expression}$`).test(repository))
  })
}

/** `python:3.*` means Docker Hub's too; a tag or digest is not part of what is looked at. */
function withRegistryOf(pattern: string): string {
  const [, named = '', rest = ''] = /^(.*?)((?::(?!.*\/)[^/]*|@.*)?)$/.exec(pattern) ?? []
  return withRegistry(named) + rest
}

/** Which images a runner or a server lets a job have: those of the list; without a list those of the catalogue. */
export function imageAllowed(image: { name: string | null; reference: string }, patterns: readonly string[]): boolean {
  return patterns.length === 0 ? image.name !== null : matchesAllowed(image.reference, patterns)
}
