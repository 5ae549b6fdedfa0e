/** What the clients of Google are told in tests. */
export const googleClientOptions = {
  projectId: 'coatcheck-test',
  // Or they ask the metadata server of a cloud this is not.
  clientOptions: { universeDomain: 'googleapis.com' },
  'grpc.max_reconnect_backoff_ms': 1_000,
}

/**
 * To notice a connection that went silent, sooner than anybody should in earnest. A server that is asked this often hangs up, unless it
 * answers calls in between: so not before it is warm.
 */
export const impatient = { 'grpc.keepalive_time_ms': 1_000, 'grpc.keepalive_timeout_ms': 1_500 }

const warm = new Set<string>()
const warmMsMax = 60_000

/** Waits until a server that just came up has answered a first call: that takes seconds. */
export async function warmed(url: string, call: () => Promise<unknown>): Promise<void> {
  const giveUpAt = performance.now() + warmMsMax
  while (!warm.has(url)) {
    const answered = await call().then(
      () => true,
      (error: unknown) => {
        if (performance.now() > giveUpAt) throw error
        return false
      },
    )
    if (answered) warm.add(url)
  }
}
