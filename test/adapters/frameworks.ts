import { onTestFinished } from 'vitest'
import { createSessions, type Sessions } from '../../src/http/sessions.ts'
import type { SessionsOptions } from '../../src/http/session-options.ts'
import { Browser } from '../../src/testing/adapter-contract/browser.ts'
import { RecordingStore } from '../../src/testing/adapter-contract/recording-store.ts'
import { settings } from '../../src/testing/adapter-contract/site.ts'

/** Sessions over a store that a test can look into and take away. */
export function recorded(options: Partial<SessionsOptions> = {}): { sessions: Sessions; store: RecordingStore } {
  const store = new RecordingStore()
  const sessions = createSessions({ ...settings, store, ...options })
  onTestFinished(() => sessions.close())
  return { sessions, store }
}

/** A browser at a server that both go away with the test. */
export async function visiting(serving: Promise<{ url: string; close(): Promise<unknown> }>): Promise<Browser> {
  const { url, close } = await serving
  const browser = new Browser(url)
  onTestFinished(async () => {
    browser.close()
    await close()
  })
  return browser
}
