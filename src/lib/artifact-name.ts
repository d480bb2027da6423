/** What an artefact may be called: a relative path that leads nowhere else. */
const most = { nameBytes: 1024, partBytes: 255 }

/**
 * A path as it was found in a sandbox → a name without a way out of anywhere: no `..`, not absolute, no control
 * character. Null for what cannot be one.
 */
export function artifactName(path: string): string | null {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  const name = parts.join('/')
  return isArtifactName(name) ? name : null
}

/** Whether somebody else's name is one that `artifactName` gives. */
export function isArtifactName(name: string): boolean {
  return (
    Buffer.byteLength(name) <= most.nameBytes &&
    name.isWellFormed() &&
    !/\p{Cc}|\u{fffd}|\\/u.test(name) &&
    name.split('/').every((part) => !['', '.', '..'].includes(part) && Buffer.byteLength(part) <= most.partBytes)
  )
}
