/** What every store is put through on its real server. */
import { describe, expect, it } from 'vitest'
import { storeContract } from '../../src/testing/store-contract.ts'
import { kindNamed } from '../../scripts/servers/index.ts'
import { full } from '../support/full.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { countRoundTrips } from './counting.ts'
import { faults, FaultyPlace } from './faults.ts'
import type { OpenedProfile, StoreProfile } from './profile.ts'

const passes = full ? ['once', 'and again'] : ['once']

/** The contract, in full twice on the same dirty servers; round trips by the server's own count; what a broken connection does. */
export function storeSuite(profile: StoreProfile): void {
  const open = async (): Promise<OpenedProfile> => profile.open(await Promise.all(profile.servers.map(sharedServer)))
  describeWith(profile.servers, profile.name, () => {
    for (const time of passes) {
      storeContract(
        {
          name: `${profile.name}, ${time}`,
          open: async () => {
            let first = await open()
            const second = await open()
            return {
              store: first.store,
              second: second.store,
              async reopen() {
                await first.close()
                first = await open()
                return first.store
              },
              async close() {
                await Promise.all([first.close(), second.close()])
              },
            }
          },
          ...(profile.lacks === undefined ? {} : { lacks: profile.lacks }),
          ...(profile.rowBytesMax === undefined ? {} : { rowBytesMax: profile.rowBytesMax }),
        },
        { describe, it },
      )
    }
    countsRoundTrips(profile)
    if (profile.breaks !== false) breaksWell(profile)
  })
}

const quick = ['F-05', 'F-06 reply cut', 'F-07']

/** A few of what `npm run test:faults` does in full. */
function breaksWell(profile: StoreProfile): void {
  it.each(Object.entries(faults).filter(([name]) => quick.some((start) => name.startsWith(start))))(
    `%s: ${profile.name}`,
    async (_name, fault) => {
      const place = await FaultyPlace.open(profile, await Promise.all(profile.servers.map(sharedServer)))
      for (const operation of ['load', 'save'] as const) {
        const verdict = await place.try(fault, operation)
        expect(verdict.problems, `${operation}: ${JSON.stringify(verdict)}`).toEqual([])
      }
      await place.close()
    },
  )
}

/** Servers for one test, and how to be rid of them. */
async function serversFor({ servers, countsAll }: StoreProfile): Promise<{ urls: string[]; stop(): Promise<unknown> }> {
  if (countsAll !== true) return { urls: await Promise.all(servers.map(sharedServer)), stop: () => Promise.resolve() }
  const own = await Promise.all(servers.map((name) => kindNamed(name).start()))
  return { urls: own.map(({ url }) => url), stop: () => Promise.all(own.map((server) => server.stop())) }
}

function countsRoundTrips(profile: StoreProfile): void {
  it(`S1.4 S2.2 D-05 ${profile.name}: untouched 0, read 1, ten edits 1 more, touched at most once in touchEvery`, async (context) => {
    const { urls, stop } = await serversFor(profile)
    const opened = await profile.open(urls)
    context.onTestFinished(async () => {
      await opened.close()
      await stop()
    })
    const counted = await countRoundTrips(opened)
    if (counted !== null) expect(counted).toEqual({ untouched: 0, read: 1, write: 2, slide: 2, readAgain: 1 })
  })
}
