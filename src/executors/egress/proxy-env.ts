/** What tells programs of the way out: the variables that nearly all of them know. */
import { proxyPort } from './forwarder.ts'

const address = `127.0.0.1:${proxyPort}`
const proxy = `http://${address}`
/** The job's own servers. */
const direct = 'localhost,127.0.0.1,::1'

/** Beneath the job's own variables. */
export const proxyEnv: Readonly<Record<string, string>> = {
  HTTP_PROXY: proxy,
  http_proxy: proxy,
  HTTPS_PROXY: proxy,
  https_proxy: proxy,
  // Not socks5h://, which some libraries of Python refuse to start with.
  ALL_PROXY: proxy,
  all_proxy: proxy,
  NO_PROXY: direct,
  no_proxy: direct,
  // Node asks for the others only then.
  NODE_USE_ENV_PROXY: '1',
  /** For SOCKS 5 on the same port. */
  RUNYARD_PROXY: address,
}
