/** A store that serve.ts lends, as a store here. */
import { CoatcheckError, type ErrorCode, type SessionStore } from '../../../src/index.ts'
import type { Description } from './serve.ts'

export interface RemoteStore {
  readonly store: SessionStore
  /** Round trips of everybody so far. */
  trips(): Promise<number>
  call(method: string, ...args: unknown[]): Promise<unknown>
}

interface Answer {
  readonly answer?: unknown
  readonly code?: ErrorCode | null
  readonly message?: string
}

export async function remoteStore(url: string, name: string): Promise<RemoteStore> {
  const describe = async (): Promise<Description> => (await (await fetch(`${url}/${name}`)).json()) as Description
  const call = async (method: string, ...args: unknown[]): Promise<unknown> => {
    const response = await fetch(`${url}/${name}/${method}`, { method: 'POST', body: JSON.stringify(args) })
    const { answer, code, message = '' } = (await response.json()) as Answer
    if (response.ok) return answer
    throw code ? new CoatcheckError(code, message) : new Error(message)
  }
  const { guarantees, methods } = await describe()
  const entries = methods.map((method) => [method, (...args: unknown[]) => call(method, ...args)])
  return {
    store: { guarantees, ...Object.fromEntries(entries) } as unknown as SessionStore,
    trips: async () => (await describe()).trips ?? 0,
    call,
  }
}
