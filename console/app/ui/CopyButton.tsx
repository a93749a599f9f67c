/** Copies a text and says so. */
import { useEffect, useState } from 'react'
import { useT } from '@/i18n'
import { Button } from './Button'

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
    await write(typeof text === 'string' ? text : text())
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

/** The clipboard is for secure pages only; elsewhere the browser's older way has to do. */
async function write(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  ;(document.querySelector('dialog[open]') ?? document.body).append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}
