/** 简体中文：概览与初次使用。 */
import type * as en from '../en/overview'

export const overview: typeof en.overview = {
  title: '概览',
  running: '进行中',
  nothingRuns: '没有正在训练的任务。',
  failed: '最近失败',
  finished: '最新的模型',
  noModels: '还没有微调过模型。',
  devices: '设备',
  memoryOf: (p) => `${p.device} 的已用内存`,
  free: (p) => `空闲 ${p.free}，共 ${p.all}`,
  queue: (p) =>
    p.running || p.queued
      ? `本服务器上有 ${p.runningText} 个任务正在训练，${p.queuedText} 个在排队。`
      : '本服务器上没有正在训练或排队的任务。',
  allJobs: '所有任务',
  first: {
    title: '几分钟后，您就有自己的模型',
    lead: (p) =>
      `Marv 回答得都对，只是会让您感觉到他的不耐烦。${p.rows} 段示例对话和 ${p.held} 段留出对话，就在这台机器上把 ${p.model} 变成他。`,
    start: '微调示例',
    own: '使用自己的数据',
    uploading: '正在上传示例',
    creating: '正在创建任务',
    before: '提问',
    after: '学会的回答',
    code: '用代码完成同样的事',
    codeHint: '按钮的每一步都是公开的调用。密钥从 OPENAI_API_KEY 读取。',
    steps: ['上传训练文件与验证文件', '在最小的基础模型上创建任务', '打开任务页，曲线在那里生长'],
  },
}
