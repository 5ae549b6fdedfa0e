/** etcd's JSON gateway: one POST for each call, https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/ */

/** As much of `fetch` as is needed. */
export type EtcdFetch = (url: string, init: EtcdRequest) => Promise<{ readonly status: number; text(): Promise<string> }>

interface EtcdRequest {
  readonly method: 'POST'
  readonly headers: Record<string, string>
  readonly body: string
  readonly signal: AbortSignal
  readonly redirect: 'error'
}

export interface EtcdCredentials {
  readonly name: string
  readonly password: string
}

export interface GatewayOptions {
  readonly endpoints: readonly string[]
  readonly requestMs: number
  readonly fetch: EtcdFetch
  readonly credentials: (() => EtcdCredentials | Promise<EtcdCredentials>) | null
}

/** etcd answered, and said no. `code` is gRPC's. */
export class EtcdRefusal extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** gRPC's UNAVAILABLE: this member has no leader, or none that answers in time. */
const noLeader = 14
/** gRPC's UNAUTHENTICATED; and what etcd says to a token from before a change of users or roles. */
const unauthenticated = 16
const oldToken = /revision of auth store is old/

/** Failures in which no request has left: what they kept from one server can be told another. */
const notSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

export class Gateway {
  readonly #options: GatewayOptions
  #endpoint = 0
  #token: Promise<string> | null = null

  constructor(options: GatewayOptions) {
    this.#options = options
  }

  /** Rejects with an `EtcdRefusal`, or because nobody answered. What was sent is not sent again, unless etcd refused to look at it. */
  async call<Answer>(path: string, message: object): Promise<Answer> {
    if (this.#options.credentials === null) return this.#send<Answer>(path, message, {})
    const token = this.#signedIn()
    try {
      return await this.#send<Answer>(path, message, { authorization: await token })
    } catch (error) {
      const expired = error instanceof EtcdRefusal && (error.code === unauthenticated || oldToken.test(error.message))
      if (!expired) throw error
      if (this.#token === token) this.#token = null
      return this.#send<Answer>(path, message, { authorization: await this.#signedIn() })
    }
  }

  #signedIn(): Promise<string> {
    this.#token ??= this.#signIn().catch((error: unknown) => {
      this.#token = null
      throw error
    })
    return this.#token
  }

  async #signIn(): Promise<string> {
    const { name, password } = (await this.#options.credentials?.()) ?? { name: '', password: '' }
    const answer = await this.#send<{ token?: string }>('/v3/auth/authenticate', { name, password }, {})
    return answer.token ?? ''
  }

  async #send<Answer>(path: string, message: object, headers: Record<string, string>): Promise<Answer> {
    const { endpoints } = this.#options
    for (let tried = 1; ; tried++) {
      const endpoint = this.#endpoint
      try {
        return await this.#post<Answer>(`${endpoints[endpoint]}${path}`, message, headers)
      } catch (error) {
        if (error instanceof EtcdRefusal && error.code !== noLeader) throw error
        if (this.#endpoint === endpoint) this.#endpoint = (endpoint + 1) % endpoints.length
        if (tried >= endpoints.length || !notSent.has(codeOf(error))) throw reasonOf(error)
      }
    }
  }

  async #post<Answer>(url: string, message: object, headers: Record<string, string>): Promise<Answer> {
    const response = await this.#options.fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(message),
      signal: AbortSignal.timeout(this.#options.requestMs),
      redirect: 'error',
    })
    const text = await response.text()
    const answer = parsed(text)
    if (answer === null) throw new EtcdRefusal(0, `HTTP ${response.status}: what answers is not etcd's gateway`)
    if (response.status === 200) return answer as Answer
    const { code, message: said, error } = answer as { code?: number; message?: string; error?: string }
    throw new EtcdRefusal(Number(code), String(said ?? error))
  }
}

function parsed(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

function codeOf(error: unknown): string {
  return String((error as { cause?: { code?: unknown } } | null)?.cause?.code)
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error && error.cause.message !== '' ? error.cause : error
}
