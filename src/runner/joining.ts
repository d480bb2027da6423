/** What the command line needs to make a machine a runner, and to see which one it is. */
export { enrol } from './enrol.ts'
export {
  filesIn,
  identityDir,
  inspectCredentials,
  readIdentity,
  settleCredentials,
  writeIdentity,
} from './identity-files.ts'
export { parseServers, type CredentialFiles, type Endpoint } from './server-address.ts'
