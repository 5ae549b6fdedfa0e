/** What the clients of Google are told in tests. */
export const googleClientOptions = {
  projectId: 'coatcheck-test',
  // Or they ask the metadata server of a cloud this is not.
  clientOptions: { universeDomain: 'googleapis.com' },
  // Sooner than anybody should in earnest: a test waits for the connection that went silent to be noticed.
  'grpc.keepalive_time_ms': 1_000,
  'grpc.keepalive_timeout_ms': 500,
  'grpc.max_reconnect_backoff_ms': 1_000,
}
