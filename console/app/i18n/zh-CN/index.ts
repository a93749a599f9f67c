/** Simplified Chinese. It has the very type of English: a missing message does not compile. */
import type { Messages } from '../en'
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

export const zhCN: Messages = {
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
