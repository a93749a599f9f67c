/** `1 row`, `2 rows`: a number as it is written, and what it counts. */
export const counted = (count: string | number, one: string, many = `${one}s`): string =>
  `${count} ${isOne(count) ? one : many}`

export const isOne = (count: string | number): boolean => `${count}` === '1'
