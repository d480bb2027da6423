/** Where the helper API of an attempt is inside its sandbox (`runtime-helpers/PROTOCOL.md`); read-only but for the socket. */
export const helpersPlace = '/runyard'

/** Where things are in that directory. */
export const helperFiles = {
  socket: 'socket',
  event: 'event.json',
  /** A small input, as it is. */
  input: 'input',
  library: 'lib',
  node: 'bin/node',
} as const

export const helperPlaces = {
  library: `${helpersPlace}/${helperFiles.library}`,
  node: `${helpersPlace}/${helperFiles.node}`,
} as const

/** `place`: of the directory, when it is not where it usually is. */
export const helperPath = (path: string, place: string = helpersPlace): string =>
  [path, `${place}/lib/bash`, `${place}/bin`].join(':')
