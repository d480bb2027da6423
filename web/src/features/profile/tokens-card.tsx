import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Button, IconButton } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { Failed, Loading } from '../../components/page-state.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { toast } from '../../components/toasts.ts'
import { api, type ApiToken } from '../../lib/api.ts'
import { tokensQuery } from './queries.ts'
import { TokenDialog } from './token-dialog.tsx'

export function TokensCard() {
  const tokens = useQuery(tokensQuery)
  const [making, setMaking] = useState(false)
  const [ending, setEnding] = useState<ApiToken | null>(null)
  return (
    <Card
      title="API tokens"
      action={
        <Button size="small" onClick={() => setMaking(true)}>
          <Plus aria-hidden className="size-3.5" /> New token
        </Button>
      }
    >
      {tokens.isPending && <Loading rows={2} label="Loading tokens" />}
      {tokens.isError && <Failed error={tokens.error} retry={() => void tokens.refetch()} />}
      {tokens.data?.length === 0 && (
        <p className="text-sm text-muted">
          None yet. A token lets a program act for you, with all that you may or less: give CI one of its own.
        </p>
      )}
      {tokens.data && tokens.data.length > 0 && (
        <ul className="-my-2 flex flex-col">
          {tokens.data.map((token) => (
            <li key={token.id} className="flex items-start gap-2 border-t border-line py-2 first:border-t-0">
              <TokenFacts token={token} />
              <IconButton small label={`Revoke ${token.name}`} onClick={() => setEnding(token)}>
                <Trash2 aria-hidden className="size-3.5" />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
      {making && <TokenDialog onClose={() => setMaking(false)} />}
      {ending && <RevokeToken token={ending} onClose={() => setEnding(null)} />}
    </Card>
  )
}

function TokenFacts({ token }: { token: ApiToken }) {
  return (
    <div className="min-w-0 flex-1 text-sm">
      <p className="truncate font-medium">{token.name}</p>
      <p className="text-xs text-muted">{token.scopes === null ? 'all that you may' : token.scopes.join(', ')}</p>
      <p className="text-xs text-muted">
        {token.expires_at === null ? (
          'does not end'
        ) : (
          <>
            ends <RelativeTime at={token.expires_at} />
          </>
        )}
        {' · '}
        {token.last_used_at === null ? (
          'never used'
        ) : (
          <>
            used <RelativeTime at={token.last_used_at} />
          </>
        )}
      </p>
    </div>
  )
}

function RevokeToken({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const client = useQueryClient()
  const revoke = useMutation({
    mutationFn: () => api.tokens.delete({ id: token.id }),
    onSuccess: () => toast('success', `${token.name} is revoked`),
    onSettled: () => client.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  })
  return (
    <Confirm
      open
      onOpenChange={(stays) => !stays && onClose()}
      title={`Revoke ${token.name}?`}
      action="Revoke"
      refuse="Keep it"
      danger
      onConfirm={() => revoke.mutateAsync()}
    >
      Whatever uses it stops working at once.
    </Confirm>
  )
}
