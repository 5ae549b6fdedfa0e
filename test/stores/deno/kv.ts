/** What Deno gives programs of ours, by the shape that they need. */
import { denoKvStore, type DenoKvStoreOptions } from '../../../src/stores/deno-kv.ts'
import type { SessionStore } from '../../../src/index.ts'

type Kv = DenoKvStoreOptions['kv'] & {
  set(key: readonly string[], value: unknown): Promise<unknown>
  close(): void
}

interface Serving {
  readonly addr: { readonly port: number }
  shutdown(): Promise<void>
}

const { Deno } = globalThis as unknown as {
  Deno: {
    openKv(path: string): Promise<Kv>
    serve(options: { hostname: string; port: number; onListen(): void }, handler: (request: Request) => Promise<Response>): Serving
  }
}

export async function openStore(file: string): Promise<{ kv: Kv; store: SessionStore; close(): Promise<void> }> {
  const kv = await Deno.openKv(file)
  return { kv, store: denoKvStore({ kv }), close: async () => kv.close() }
}

export function serve(port: number, handler: (request: Request) => Promise<Response>): Serving {
  return Deno.serve({ hostname: '127.0.0.1', port, onListen() {} }, handler)
}
