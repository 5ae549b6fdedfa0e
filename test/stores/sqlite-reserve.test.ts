import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Reserve } from '../../src/stores/sqlite/reserve.ts'

test('K-05 the room held for signing out is taken back, and sessions written again, however many sign out meanwhile', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-reserve-'))
  const reserve = new Reserve(join(folder, 'reserve'))
  reserve.spend()
  for (let signOuts = 0; signOuts < 12 && reserve.isSpent(); signOuts++) {
    reserve.spend()
    await sleep(150)
  }
  expect(reserve.isSpent()).toBe(false)
  rmSync(folder, { recursive: true })
})
