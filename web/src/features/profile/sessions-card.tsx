import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { api } from '../../lib/api.ts'
import { signOut } from '../session/session.ts'

export function SessionsCard() {
  const [asking, setAsking] = useState(false)
  const navigate = useNavigate()
  const leave = useMutation({
    mutationFn: async () => {
      await api.account.signOutEverywhere()
      await signOut()
    },
    onSuccess: () => navigate({ to: '/sign-in' }),
  })
  return (
    <Card title="Sessions">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="max-w-prose text-sm">
          Lost a device, or signed in on somebody else’s? This ends every session and every API token of yours, here
          too.
        </p>
        <Button kind="danger" onClick={() => setAsking(true)} busy={leave.isPending}>
          Sign out everywhere
        </Button>
      </div>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Sign out everywhere?"
        action="Sign out everywhere"
        refuse="Stay"
        danger
        onConfirm={() => leave.mutateAsync()}
      >
        All your browsers are signed out, and whatever uses one of your API tokens stops working until it gets a new
        one. Your jobs go on.
      </Confirm>
    </Card>
  )
}
