/** Where to go after signing in: a path of our own, never another site's. It came from the address bar. */
export function safeTarget(to: unknown): string {
  return typeof to === 'string' && /^\/(?![/\\])[^\s\\]*$/.test(to) && !to.startsWith('/sign-in') ? to : '/overview'
}
