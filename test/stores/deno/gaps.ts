import type { Lack } from '../../../src/testing/store-contract.ts'

export const denoKvLacks: readonly Lack[] = [
  { rule: 'touch', reason: 'an expiry moves only with a new version; a put does it in one step' },
  { rule: 'getMany', reason: 'it takes ten keys at most, and single reads already travel side by side' },
  { rule: 'sweep', reason: 'Deno KV drops expired keys by itself' },
]

export const denoKvRowBytesMax = 65_536
