/**
 * Tencent Cloud TokenHub, Guangzhou; Singapore is TENCENT_BASE_URL=https://tokenhub-intl.tencentmaas.com/v1.
 * Usage in streams when asked; the roles are system, user, assistant and tool: https://cloud.tencent.com/document/product/1823/135872
 * Which limit bounds and how usage is counted was not found.
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const tencent = vendor({
  id: 'tencent', name: 'Tencent TokenHub', docs: 'https://cloud.tencent.com/document/product/1823/135872',
  env: ['TENCENT_API_KEY', 'TENCENT_TOKENHUB_API_KEY'],
  baseUrl: 'https://tokenhub.tencentmaas.com/v1', endpoints: ['chat'], billsAfterAbort: true, catalogId: 'tencent-tokenhub',
  quirks: { maxTokensField: 'max_tokens' },
})
