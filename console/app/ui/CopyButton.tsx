/** Copies a text and says so. */
import { useEffect, useState } from 'react'
import { useT } from '@/i18n'
import { Button } from './Button'
import { copied as toClipboard } from './copied'

const SAID_MS = 1_600

export function CopyButton({
  text,
  what,
  label,
}: {
  text: string | (() => string)
  what: string
  label?: string
}) {
  const t = useT()
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return
    const timer = setTimeout(() => setCopied(false), SAID_MS)
    return () => clearTimeout(timer)
  }, [copied])
  const copy = async () => {
    await toClipboard(typeof text === 'string' ? text : text())
    setCopied(true)
  }
  return (
    <>
      <Button
        kind={label ? 'plain' : 'quiet'}
        small
        icon={copied ? 'check' : 'copy'}
        aria-label={label ? undefined : t.shared.copyThis({ what })}
        onClick={copy}
      >
        {label && (copied ? t.shared.copied : label)}
      </Button>
      <span className="hidden-text" aria-live="polite">
        {copied ? t.shared.copied : ''}
      </span>
    </>
  )
}
