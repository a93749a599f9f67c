/** 简体中文：服务器以代码给出的原因与提醒。 */
import type * as en from '../en/reasons'

export const reasons: typeof en.reasons = {
  values: {
    as_asked: () => '按您的要求',
    small_base_batch: () => '适合参数少于五千万的基础模型。',
    share_of_rows: (p) => `约为 ${p.n_examples} 行的 0.2 %，最小 1，最大 256。`,
    small_base_preferences: () => '适合在参数少于五千万的基础模型上学习偏好；第三轮会使回复过长。',
    small_base_rows: (p) =>
      `${p.rows} 除以 ${p.n_examples} 行，取 3 到 20：参数少于五千万的基础模型约需 200 步（每步 4 行）才能学会新内容。`,
    few_rows: (p) => `使您的 ${p.n_examples} 行总共被看约 100 次，最多 25 轮。`,
    many_rows: (p) => `使您的 ${p.n_examples} 行总共最多被看 25,000 次。`,
    usual: (p) => `${p.n_examples} 行通常训练 3 轮。`,
    rate_small_base_preferences: (p) => `${p.rate}：在参数少于五千万的基础模型上学习偏好时实测${p.times}。`,
    rate_small_base_few_rows: (p) => `${p.rate}：在参数少于五千万的基础模型上以不超过 100 行实测${p.times}。`,
    rate_small_base_many_rows: (p) =>
      `${p.rate}：用于参数少于五千万的基础模型与 200 行以上的数据${p.times}。`,
    rate_small_base_between: (p) =>
      `${p.rate}：${p.n_examples} 行，介于 100 行与 200 行的学习率之间${p.times}。`,
    rate_by_width: (p) =>
      `${p.rate}：LoRA 取 5e-5 × 10，按 ${p.model_type} 的宽度 ${p.hidden_size} 缩放${p.n_steps ? `，${p.n_steps} 步的短训练 × 1.5` : ''}${p.method ? '，学习偏好取其十分之一' : ''}${p.times}。`,
    times_base_rate: (p) => `基础学习率 ${p.rate} 的 1 倍。`,
    paper: () => 'DPO 论文实验中的取值。',
  },
  times: (p) => `，再乘以您要求的 ${p.multiplier}`,
  files: { training_file: '训练文件', validation_file: '验证文件' },
  warnings: {
    warnings: (p) => `${p.file}有 ${p.n} 条提醒`,
    truncated: (p) => `${p.file}中有 ${p.n} 行（${p.share}）会在 ${p.context_length} 个 token 处被截断`,
    no_target_tokens: (p) => `${p.file}中有 ${p.n} 行会被跳过：其中没有可训练的内容`,
    shared_rows: (p) => `验证文件有 ${p.n} 行（${p.share}）与训练文件相同，因此验证损失的意义有限`,
  },
}
