// deno run --unstable-kv … contract.ts <file>: runs the store contract in Deno and prints how each case ended, as JSON.
import process from 'node:process'
import { collect } from '../../../src/testing/runner.ts'
import { storeContract } from '../../../src/testing/store-contract.ts'
import { denoKvLacks, denoKvRowBytesMax } from './gaps.ts'
import { openStore } from './kv.ts'

const [, , file = ''] = process.argv

async function open() {
  let first = await openStore(file)
  const second = await openStore(file)
  return {
    store: first.store,
    second: second.store,
    async reopen() {
      await first.close()
      first = await openStore(file)
      return first.store
    },
    async close() {
      await first.close()
      await second.close()
    },
  }
}

const reports = await collect((runner) =>
  storeContract({ name: 'deno-kv', open, lacks: denoKvLacks, rowBytesMax: denoKvRowBytesMax }, runner),
)
process.stdout.write(JSON.stringify(reports.map(({ name, error }) => ({ name, error: error === null ? null : String(error) }))))
process.exit(0)
