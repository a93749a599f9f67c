/** Sums of money, besides the numbers that all pages share. */
import { count } from '@/lib/number'

export { count, duration } from '@/lib/number'

/** Small sums keep the digits that tell them from nothing. */
export function money(amount: number, currency: string | null): string {
  if (!currency) return count(amount)
  const digits = amount !== 0 && Math.abs(amount) < 1 ? 6 : 2
  try {
    return new Intl.NumberFormat(document.documentElement.lang, {
      style: 'currency',
      currency: currency.toUpperCase(),
      minimumFractionDigits: 2,
      maximumFractionDigits: digits,
    }).format(amount)
  } catch {
    return `${count(amount)} ${currency}` // a unit that is no currency of this world
  }
}
