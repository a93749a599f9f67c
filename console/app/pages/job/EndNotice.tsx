/** A notice of the browser's when the job ends, for whoever asks for one. */
import { useEffect, useState } from 'react'
import type { Job } from '@/api/client'
import { nameOf } from '@/api/jobs'
import { isLive, isStatus } from '@/api/states'
import { useT } from '@/i18n'
import { Button } from '@/ui/Button'
import { toast } from '@/ui/Toast'

const POSSIBLE = window.isSecureContext && 'Notification' in window

export function EndNotice({ job }: { job: Job }) {
  const t = useT()
  const live = isLive(job)
  const [wanted, setWanted] = useState(false)
  const [denied, setDenied] = useState(() => POSSIBLE && Notification.permission === 'denied')
  useEffect(() => {
    if (live || !wanted) return
    setWanted(false)
    const state = isStatus(job.status) ? t.states.names[job.status] : job.status
    const body = t.job.noticeText({ state })
    try {
      new Notification(nameOf(job), { body, tag: job.id })
    } catch {
      toast(body) // phones show notices of service workers alone
    }
  }, [live, wanted, job, t])
  if (!POSSIBLE || !live) return null
  const ask = async () => {
    if (wanted) return setWanted(false)
    const answer = await Notification.requestPermission()
    setDenied(answer === 'denied')
    setWanted(answer === 'granted')
  }
  return (
    <Button
      small
      aria-pressed={wanted}
      disabledReason={denied ? t.job.noticeDenied : undefined}
      onClick={ask}
    >
      {t.job.notice}
    </Button>
  )
}
