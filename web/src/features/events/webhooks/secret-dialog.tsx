import { Button } from '../../../components/button.tsx'
import { CopyLine } from '../../../components/copy-line.tsx'
import { Dialog } from '../../../components/dialog.tsx'
import type { Webhook } from '../../../lib/api.ts'
import { addressOf } from './address.ts'

interface SecretDialogProps {
  url: string | null
  scheme: Webhook['scheme']
  secret: string
  onClose: () => void
}

/** The signing secret, this once, and how a request is signed with it. */
export default function SecretDialog({ url: path, scheme, secret, onClose }: SecretDialogProps) {
  const url = path && addressOf(path)
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Address and signing secret"
      description="The secret is shown this once. Whoever sends signs with it; nothing unsigned is taken."
      className="sm:w-[42rem]"
    >
      <div className="flex flex-col gap-4">
        {url && <CopyLine what="address" text={url} />}
        <CopyLine what="secret" text={secret} />
        {scheme === 'github' ? (
          <p className="text-sm text-muted">
            In GitHub: Settings, Webhooks, Add webhook. Both go in there; choose application/json.
          </p>
        ) : (
          <details className="rounded-md border border-line">
            <summary className="px-3 py-2 text-sm font-medium">Try it in a terminal</summary>
            <div className="border-t border-line p-3">
              <CopyLine text={tryIt(url ?? 'URL', secret)} className="[&_code]:whitespace-pre" />
              <p className="mt-2 text-xs text-muted">
                It has the secret in it. Any library for Standard Webhooks signs the same way.
              </p>
            </div>
          </details>
        )}
        <div className="flex justify-end">
          <Button kind="primary" onClick={onClose}>
            I have it
          </Button>
        </div>
      </div>
    </Dialog>
  )
}

/** For any shell with openssl and curl. The secret is the bytes that the text after `whsec_` stands for. */
const tryIt = (url: string, secret: string) => `SECRET='${secret}'
body='{"hello": "world"}'; id=msg_$(openssl rand -hex 8); now=$(date +%s)
key=$(printf %s "\${SECRET#whsec_}" | openssl base64 -d -A | od -An -vtx1 | tr -d ' \\n')
sig=$(printf %s "$id.$now.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
curl -sS '${url}' -H 'content-type: application/json' \\
  -H "webhook-id: $id" -H "webhook-timestamp: $now" -H "webhook-signature: v1,$sig" -d "$body"`
