/** A delete that gets no further than half, while a move of the same session stands still: what is ended stays ended. */
import type { SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import type { MirroredStore, MirroredStoreOptions } from '../../src/stores/mirrored.ts'
import { failingStore } from '../../src/testing/index.ts'

const id = 'e'.repeat(24)
const row = { id, body: '1', user: 'ada', expiresAt: Date.now() + 3_600_000 }

type Open = (options: MirroredStoreOptions) => MirroredStore

/** What was alive afterwards, in words. */
export async function whatCameBack(open: Open): Promise<string[]> {
  return [...(await played(open, 'reads')), ...(await played(open, 'writes'))]
}

async function played(open: Open, comes: 'reads' | 'writes'): Promise<string[]> {
  const back: string[] = []
  const [oldRows, to] = [memoryStore(), memoryStore()]
  const from = failingStore(oldRows)
  const mirror = (phase: 'from' | 'to', store: SessionStore = from.store): MirroredStore => open({ from: store, to, phase })
  const [before, after] = [mirror('from'), mirror('to')]
  const version = await before.put(row, null)
  const ask = async (when: string): Promise<void> => {
    for (const [phase, store] of Object.entries({ from: before, to: after }))
      if ((await store.get(id).catch(() => null)) !== null) back.push(`${when}, to a process in phase '${phase}'`)
  }

  // A process is cut off where its move would only have to say that it is done.
  const put: SessionStore['put'] = (one, expected) =>
    one.body.includes('"moved"') ? Promise.reject(new Error('cut off')) : oldRows.put(one, expected)
  await mirror('to', { ...oldRows, put })
    .put({ ...row, body: '2' }, version)
    .catch(() => null)
  const moving = await oldRows.get(id)
  if (moving === null || !moving.body.includes('"moving"')) throw new Error('the move does not stand still')

  // And one that has ended the session, but cannot clean up.
  from.fault('delete', 'fail', 1)
  const failed = await mirror('to', { ...from.store, get: (one) => oldRows.get(one) })
    .delete(id)
    .then(
      () => false,
      () => true,
    )
  if (!failed) back.push('a delete that failed was acknowledged')
  if (comes === 'reads') await ask('after half a delete')
  for (const store of [after, before])
    if ((await store.put({ ...row, body: '3' }, version)) !== null) back.push('a put on a version that was over')
  await ask('after somebody tried to write')
  await after.delete(id)
  await ask('after a whole delete')
  // Somebody had read the old store before all this, and goes on only now.
  await mirror('from', { ...from.store, get: async () => moving })
    .get(id)
    .catch(() => null)
  await ask('after a move that went on late')
  return back
}
