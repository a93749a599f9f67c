/** English: every message of the console, by area. Other languages have this very type. */
import * as create from './create'
import * as datasets from './datasets'
import * as frame from './frame'
import * as job from './job'
import * as jobs from './jobs'
import * as keys from './keys'
import * as models from './models'
import * as overview from './overview'
import * as playground from './playground'
import * as usage from './usage'

export const en = {
  ...frame,
  ...jobs,
  ...create,
  ...job,
  ...overview,
  ...playground,
  ...models,
  ...datasets,
  ...keys,
  ...usage,
}
export type Messages = typeof en
