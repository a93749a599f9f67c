/** Twenty small drawings on one grid, in the colour of the text beside them. Decoration: the words are elsewhere. */

const DRAWINGS = {
  overview: 'M3 12 12 4l9 8M6 10v10h12V10',
  jobs: 'M3 18c4 0 4-12 9-12 4 0 3 7 9 7M3 21h18',
  datasets: 'M4 6c0-4 16-4 16 0s-16 4-16 0v12c0 4 16 4 16 0V6M4 12c0 4 16 4 16 0',
  models: 'M12 3 3 8v8l9 5 9-5V8zM3 8l9 5 9-5M12 13v8',
  playground: 'M4 5h16v11H9l-5 4z',
  keys: 'M8 15a4 4 0 1 1 3.5-6H21v4h-3v3h-4v-3h-2.5A4 4 0 0 1 8 15',
  usage: 'M4 20V10M10 20V4M16 20v-7M21 20H3',
  settings: 'M4 7h10M18 7h2M4 17h2M10 17h10M14 4v6M6 14v6',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'm5 13 4 4L19 7',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  pause: 'M9 5v14M15 5v14',
  play: 'M8 5v14l11-7z',
  stop: 'M7 7h10v10H7z',
  down: 'm6 9 6 6 6-6',
  left: 'm14 6-6 6 6 6',
  right: 'm10 6 6 6-6 6',
  code: 'm8 7-5 5 5 5M16 7l5 5-5 5',
  warn: 'M12 4 2.5 20h19zM12 10v5M12 17.5v.5',
  info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v6M12 7.5V8',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  upload: 'M12 16V5M7 9l5-5 5 5M4 20h16',
  download: 'M12 4v11M7 11l5 5 5-5M4 20h16',
  duplicate: 'M8 8h12v12H8zM4 16V4h12M14 11v6M11 14h6',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 7v5l3 2',
  dots: 'M5 12h.01M12 12h.01M19 12h.01',
  spark: 'M12 3v6M12 15v6M3 12h6M15 12h6',
  out: 'M10 4H5v16h5M14 8l4 4-4 4M18 12H9',
  edit: 'M5 19h4L19 9l-4-4L5 15zM13 7l4 4',
  again: 'M20 12a8 8 0 1 1-2.5-5.8M20 3v5h-5',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16 16l5 5',
} as const
export type IconName = keyof typeof DRAWINGS

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'dots' ? 3 : 1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={DRAWINGS[name]} />
    </svg>
  )
}
