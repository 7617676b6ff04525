/** The built-in provider for trying MegaRouter without a vendor key: it invents answers, and all it does is marked as simulated. */
import { vendor } from './provider.ts'

export const simulated = vendor({
  id: 'simulated', name: 'Simulated', docs: '', env: [], auth: 'none', simulated: true,
  endpoints: ['chat', 'completions', 'embeddings'],
  quirks: { otherLimit: 'bounds', developerRole: true },
})
