/** English: every message of the console, by area. Other languages have this very type. */
import * as asking from './asking'
import * as create from './create'
import * as datasets from './datasets'
import * as drafts from './drafts'
import * as frame from './frame'
import * as job from './job'
import * as jobs from './jobs'
import * as keys from './keys'
import * as models from './models'
import * as overview from './overview'
import * as playground from './playground'
import * as reasons from './reasons'
import * as usage from './usage'

export const en = {
  ...frame,
  ...jobs,
  ...create,
  ...job,
  ...overview,
  ...playground,
  ...asking,
  ...models,
  ...datasets,
  ...drafts,
  ...keys,
  ...reasons,
  ...usage,
}
export type Messages = typeof en
