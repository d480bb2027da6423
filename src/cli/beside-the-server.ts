/** `--server` of a runner that works for the server of its data directory, whatever else its machine is. */
export const besideTheServer = 'local'
