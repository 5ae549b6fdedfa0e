/** Queries over one kind, by pages. */
import { type Call, strong } from './calls.ts'
import { type EntityResult, timestampOf } from './entities.ts'

export interface Page {
  readonly results: readonly EntityResult[]
  /** Where the next page begins; `null` at the end. */
  readonly cursor: string | null
}

export interface Question {
  readonly filter?: object
  /** `null`: as many as the server cares to send at once. */
  readonly limit: number | null
  /** Properties wanted; none: only keys, which is cheaper than an entity. */
  readonly properties: readonly string[]
}

/** Names of enums, and their numbers where the client speaks REST. */
const notFinished: ReadonlySet<unknown> = new Set(['NOT_FINISHED', 1])
const noMore: ReadonlySet<unknown> = new Set(['NO_MORE_RESULTS', 3])

export class Kind {
  readonly #call: Call
  readonly #kind: string
  readonly #namespaceId: string

  constructor(call: Call, kind: string, namespaceId: string) {
    this.#call = call
    this.#kind = kind
    this.#namespaceId = namespaceId
  }

  async page({ filter, limit, properties }: Question, cursor: string | null): Promise<Page> {
    const response = (await this.#call('runQuery', {
      partitionId: { namespaceId: this.#namespaceId },
      readOptions: strong,
      ...(properties.length === 0 ? {} : { propertyMask: { paths: properties } }),
      query: {
        kind: [{ name: this.#kind }],
        ...(properties.length === 0 ? { projection: [{ property: { name: '__key__' } }] } : {}),
        ...(filter === undefined ? {} : { filter }),
        ...(limit === null ? {} : { limit: { value: limit } }),
        ...(cursor === null ? {} : { startCursor: cursor }),
      },
    })) as QueryResponse
    const { entityResults, moreResults, endCursor } = response.batch ?? {}
    const results = entityResults ?? []
    const whole = limit === null || results.length < limit
    const over = noMore.has(moreResults) || (whole && !notFinished.has(moreResults))
    return { results, cursor: over || !endCursor ? null : textOf(endCursor) }
  }

  async all(question: Question): Promise<EntityResult[]> {
    const results: EntityResult[] = []
    let cursor: string | null = null
    do {
      const page: Page = await this.page(question, cursor)
      results.push(...page.results)
      cursor = page.cursor
    } while (cursor !== null)
    return results
  }
}

function textOf(cursor: Uint8Array | string): string {
  return typeof cursor === 'string' ? cursor : Buffer.from(cursor).toString('base64')
}

interface QueryResponse {
  readonly batch?: {
    readonly entityResults?: readonly EntityResult[] | null
    readonly moreResults?: unknown
    readonly endCursor?: Uint8Array | string | null
  } | null
}

export function ofUser(user: string): object {
  return { propertyFilter: { property: { name: 'user' }, op: 'EQUAL', value: { stringValue: user } } }
}

export function expiredBefore(now: number): object {
  return { propertyFilter: { property: { name: 'expireAt' }, op: 'LESS_THAN', value: { timestampValue: timestampOf(now) } } }
}
