/** The pages of the navigation, in their order. A page that is not built is not here. */
import type { Messages } from '@/i18n'
import { paths } from '@/paths'
import type { IconName } from '@/ui/Icon'

export type Place = {
  name: keyof Messages['places']
  to: string
  icon: IconName
  /** After `g`. */
  letter: string
  /** On a phone it is behind “More”. */
  seldom?: true
}

export const PLACES: Place[] = [
  { name: 'overview', to: paths.overview(), icon: 'overview', letter: 'o' },
  { name: 'jobs', to: paths.jobs(), icon: 'jobs', letter: 'j' },
  { name: 'datasets', to: paths.datasets(), icon: 'datasets', letter: 'd' },
  { name: 'models', to: paths.models(), icon: 'models', letter: 'm', seldom: true },
  { name: 'playground', to: paths.playground(), icon: 'playground', letter: 'p' },
  { name: 'keys', to: paths.keys(), icon: 'keys', letter: 'k', seldom: true },
  { name: 'usage', to: paths.usage(), icon: 'usage', letter: 'u', seldom: true },
  { name: 'settings', to: paths.settings(), icon: 'settings', letter: ',', seldom: true },
]
