/** What `RUNYARD_LOG_STORE` says, or the sentence that says what is wrong with it. Never repeats the text: it has a secret. */
export type LogStorePlace =
  | { kind: 'directory'; path: string; shown: string }
  | {
      kind: 's3'
      /** With the bucket, without anything secret: `https://host:port/bucket`. */
      endpoint: string
      region: string
      prefix: string
      accessKeyId: string
      secretAccessKey: string
      shown: string
    }

const forms = 'write file:///shared/dir or s3://KEY:SECRET@host:port/bucket/prefix?region=R'

export function parseLogStore(text: string): LogStorePlace | { problem: string } {
  if (!URL.canParse(text)) return { problem: `is no URL: ${forms}` }
  const url = new URL(text)
  if (url.hash !== '') return { problem: 'has a # part: write # in a key or secret as %23' }
  if (url.protocol === 'file:') return directoryOf(url)
  if (url.protocol === 's3:' || url.protocol === 's3+http:') return bucketOf(text, url.protocol)
  return { problem: `begins with ${url.protocol}//, which is no kind of store: ${forms}` }
}

function directoryOf(url: URL): LogStorePlace | { problem: string } {
  if (url.host !== '') return { problem: 'names a host: a directory is file:///with/three/slashes' }
  if (url.search !== '') return { problem: 'has a ? part: a directory has no options' }
  const path = decoded(url.pathname)
  if (path === undefined || path.includes('\0')) return { problem: 'has a wrong % code in its path' }
  if (path === '/') return { problem: 'names the root directory: give the logs one of their own' }
  return { kind: 'directory', path: path.replace(/\/+$/, ''), shown: `file://${path}` }
}

function bucketOf(text: string, protocol: string): LogStorePlace | { problem: string } {
  // As http(s), so that host and port are read by their rules.
  const scheme = protocol === 's3:' ? 'https:' : 'http:'
  const plain = scheme + text.slice(text.indexOf('//'))
  if (!URL.canParse(plain)) return { problem: `is no URL: ${forms}` }
  const url = new URL(plain)
  const [accessKeyId, secretAccessKey] = [decoded(url.username), decoded(url.password)]
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    return { problem: 'has a wrong % code in its key or secret' }
  }
  if (accessKeyId === '' || secretAccessKey === '') {
    return { problem: 'has no KEY:SECRET before the host; write / + @ : in them as %2F %2B %40 %3A' }
  }
  const [bucket = '', ...rest] = url.pathname.split('/').slice(1)
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) return { problem: 'names no bucket after the host' }
  const prefix = rest.filter((part) => part !== '').join('/')
  if (prefix !== '' && !/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(prefix)) {
    return { problem: 'has a prefix with other characters than letters, digits, dot, - and _' }
  }
  const unknown = [...url.searchParams.keys()].find((name) => name !== 'region')
  if (unknown !== undefined) return { problem: `has the option "${unknown}"; there is only region` }
  const region = url.searchParams.get('region') ?? 'us-east-1'
  if (!/^[a-z0-9-]{1,64}$/.test(region)) return { problem: 'has a region with other characters than a-z, 0-9 and -' }
  const endpoint = `${url.origin}/${bucket}`
  const shown = `${protocol}//${url.host}/${[bucket, prefix].filter(Boolean).join('/')}`
  return { kind: 's3', endpoint, region, prefix, accessKeyId, secretAccessKey, shown }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
