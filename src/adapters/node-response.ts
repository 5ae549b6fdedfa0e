/** Any method of a response, called on it. */
export type Method = (...args: unknown[]) => unknown

/** What `http.ServerResponse` and `http2.Http2ServerResponse` share, as far as the gate touches it. */
export interface NodeResponse {
  statusCode: number
  readonly headersSent: boolean
  writeHead: Method
  flushHeaders: Method
  write: Method
  end: Method
  setHeader: Method
  appendHeader: Method
  removeHeader: Method
  getHeader(name: string): string | number | string[] | undefined
  emit(event: 'drain'): boolean
  destroy(error?: Error): unknown
}

/** What Node throws when a header is touched after the head has left, code included: frameworks look for it. */
export function refuseHeader(): never {
  throw Object.assign(new Error('Cannot change headers after they are sent to the client'), { code: 'ERR_HTTP_HEADERS_SENT' })
}

/** Only what is there: to remove an absent `Date` or `Content-Length` tells Node never to add it. */
export function removeHeader(res: NodeResponse, name: string): void {
  if (res.getHeader(name) !== undefined) res.removeHeader(name)
}

/**
 * Does to the response what `writeHead(status, reason?, headers?)` does to it, short of sending: afterwards all headers are
 * in one place, where ours can be merged. Answers the arguments that are left. Wrong ones throw here, at the caller, as Node's do.
 */
export function takeHead(res: NodeResponse, [status, reason, headers]: readonly unknown[]): unknown[] {
  const code = Math.trunc(Number(status))
  if (!(code >= 100 && code <= 999)) {
    throw Object.assign(new RangeError(`Invalid status code: ${String(status)}`), { code: 'ERR_HTTP_INVALID_STATUS_CODE' })
  }
  const fields = typeof reason === 'string' ? headers : (headers ?? reason)
  if (Array.isArray(fields)) takeLines(res, Array.isArray(fields[0]) ? fields.flat() : fields)
  else if (typeof fields === 'object' && fields !== null) {
    for (const [name, value] of Object.entries(fields)) if (name !== '') res.setHeader(name, value)
  }
  res.statusCode = code
  return typeof reason === 'string' ? [code, reason] : [code]
}

/** `[name, value, name, value …]`: replaces what was set before, keeps what the list itself repeats. */
function takeLines(res: NodeResponse, lines: readonly unknown[]): void {
  if (lines.length % 2 !== 0) throw Object.assign(new TypeError('Header without a value in writeHead'), { code: 'ERR_INVALID_ARG_VALUE' })
  for (let at = 0; at < lines.length; at += 2) removeHeader(res, String(lines[at]))
  for (let at = 0; at < lines.length; at += 2) res.appendHeader(lines[at], lines[at + 1])
}

/** What a response can be destroyed with. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('the session could not be stored', { cause: error })
}
