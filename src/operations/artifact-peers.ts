/** Artefacts of other servers, as this one reads them; `src/api/grpc/cluster-log-client.ts` asks them. */
export type { ArtifactPeers } from '../artifacts/artifacts.ts'
