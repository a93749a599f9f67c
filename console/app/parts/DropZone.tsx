/** Files dropped anywhere on the page, with a button beside as the other way; a veil says what will happen. */
import { type ReactNode, useLayoutEffect, useRef, useState } from 'react'
import { Button } from '@/ui/Button'
import { Icon } from '@/ui/Icon'
import styles from './DropZone.module.css'

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false

/** Whether files are held over the page just now. */
export function useDrop(onFiles: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false)
  const told = useRef(onFiles)
  told.current = onFiles
  useLayoutEffect(() => {
    let depth = 0
    const enter = (event: DragEvent) => {
      if (!hasFiles(event)) return
      depth += 1
      setOver(true)
    }
    const leave = (event: DragEvent) => {
      if (!hasFiles(event)) return
      depth -= 1
      if (depth <= 0) setOver(false)
    }
    const hold = (event: DragEvent) => hasFiles(event) && event.preventDefault()
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      depth = 0
      setOver(false)
      told.current([...(event.dataTransfer?.files ?? [])])
    }
    addEventListener('dragenter', enter)
    addEventListener('dragleave', leave)
    addEventListener('dragover', hold)
    addEventListener('drop', drop)
    return () => {
      removeEventListener('dragenter', enter)
      removeEventListener('dragleave', leave)
      removeEventListener('dragover', hold)
      removeEventListener('drop', drop)
    }
  }, [])
  return over
}

export function DropVeil({ text }: { text: string }) {
  return (
    <div className={styles.veil} aria-hidden="true">
      <Icon name="upload" size={32} />
      {text}
    </div>
  )
}

type Props = {
  label: string
  kind?: 'main' | 'plain'
  onFiles: (files: File[]) => void
  children?: ReactNode
}

export function UploadButton({ label, kind = 'main', onFiles }: Props) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        accept=".jsonl,application/jsonl"
        className="hidden-text"
        tabIndex={-1}
        aria-label={label}
        onChange={(event) => {
          const files = [...(event.target.files ?? [])]
          event.target.value = ''
          if (files.length) onFiles(files)
        }}
      />
      <Button kind={kind} icon="upload" onClick={() => input.current?.click()}>
        {label}
      </Button>
    </>
  )
}
