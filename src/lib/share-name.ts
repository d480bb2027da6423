/** Names of shared inputs: in settings, in job documents and in labels of runners. */
export const sharePattern = /^[a-z0-9][a-z0-9._-]{0,39}$/
