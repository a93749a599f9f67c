/** Simplified Chinese: the models, and what deleting asks. */
import type { Messages } from '../en'

export const deleting: Messages['deleting'] = {
  typeName: '输入名称以确认',
  typeFirst: '请先输入名称。',
}

export const models: Messages['models'] = {
  title: '模型',
  lead: '所有能回答的名称，以及背后的权重。',
  search: '按名称或任务查找',
  kind: '种类',
  kinds: { all: '全部', tuned: '微调', base: '基座' },
  caption: ({ base }) => `由 ${base} 微调的模型`,
  base: '基座模型',
  alsoNamed: ({ count }) => `另有 ${count} 个名称指向它`,
  aliasesHint: '使用这些名称的代码可以照常运行：回答的是同一套权重。',
  columns: { name: '模型', from: '来源', data: '训练 token', created: '创建时间', actions: '操作' },
  checkpoint: ({ step }) => `第 ${step} 步的检查点`,
  checkpoints: ({ name }) => `${name} 的检查点`,
  showCheckpoints: '检查点',
  noCheckpoints: '没有保留其他检查点。',
  noJob: '由其他项目共享，或创建已久',
  onTopOf: ({ name }) => `在 ${name} 之上`,
  copyName: ({ name }) => `${name} 的名称`,
  playground: '试用',
  fineTune: '继续微调',
  fineTuneBase: '微调',
  remove: '删除',
  more: ({ name }) => `${name} 的更多操作`,
  none: '还没有由它微调的模型。',
  noneFound: '没有匹配的模型。',
  clear: '清除筛选',
  emptyTitle: '还没有微调过的模型',
  emptyLead: '下面的模型可以直接使用。微调一个模型需要一份样本文件和几分钟时间。',
  emptyCreate: '创建微调任务',
  emptySample: '试试示例',
  loss: ({ loss }) => `验证损失 ${loss}`,
  deleteTitle: '删除这个模型',
  deleteText: '它会立即停止回答，对所有人都是如此。任务、曲线和文件会保留；模型无法恢复。',
  dependants: '以下模型是在它之上训练的，它们可以继续使用：',
  deleted: ({ name }) => `已删除 ${name}`,
}
