/** A job's state as a shape, on a grid of 16. */
const SHAPES: Record<string, string> = {
  validating_files: 'M8 2a6 6 0 1 0 6 6',
  queued: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3.2l2 1.3',
  running: 'M5 3.5v9l7.5-4.5z',
  paused: 'M5.5 3.5v9M10.5 3.5v9',
  succeeded: 'm3 8.5 3.3 3.3L13 4.8',
  failed: 'M8 2.5v6.5M8 12.5v.3',
  cancelled: 'm4 4 8 8M12 4l-8 8',
}
/** A newer server's state has none of its own. */
export const shapeOf = (status: string): string => SHAPES[status] ?? 'M3 8h10'
