/** A key-value bucket of @nats-io/kv (or nats 2), as much of it as is needed. */
import { CoatcheckError } from '../../core/errors.ts'
import { invalid } from '../common/options.ts'

export interface NatsBucket {
  get(key: string): Promise<NatsEntry | null>
  create(key: string, value: string): Promise<number>
  update(key: string, value: string, revision: number): Promise<number>
  purge(key: string): Promise<void>
  status(): Promise<NatsStatus>
}

export interface NatsEntry {
  readonly value: Uint8Array
  readonly revision: number
  readonly operation: string
}

export interface NatsStatus {
  /** Milliseconds; 0: for ever. */
  readonly ttl: number
  /** Bytes; -1: as many as the server takes. */
  readonly maxValueSize: number
  readonly streamInfo: { readonly config: NatsStreamConfig }
}

interface NatsStreamConfig {
  readonly storage: string
  readonly discard: string
  readonly max_bytes: number
  readonly max_msgs: number
  readonly num_replicas: number
  readonly allow_rollup_hdrs: boolean
}

/** What a client has beyond its types: whether any replica may answer a read, and what the server said of itself. */
interface Insides {
  readonly direct?: boolean
  readonly js?: { readonly nc?: { readonly info?: { readonly max_payload?: number } } }
}

/** What a bucket takes. */
export interface Limits {
  /** How long it keeps a key, from its last write on. */
  readonly lifeMs: number
  readonly bytesMax: number
}

/** The server's own default, where the client does not say. */
const payloadMax = 1_048_576
/** https://github.com/nats-io/nats-server/blob/main/server/errors.json */
const wrongLastSequence = new Set([10071, 10164])

export function limitsOf(bucket: NatsBucket, { ttl, maxValueSize }: NatsStatus): Limits {
  const payload = (bucket as Insides).js?.nc?.info?.max_payload ?? payloadMax
  return { lifeMs: ttl > 0 ? ttl : Number.POSITIVE_INFINITY, bytesMax: maxValueSize > 0 ? Math.min(maxValueSize, payload) : payload }
}

/** Throws `config_invalid` for a bucket that loses or hoards sessions. */
export function checkBucket(bucket: NatsBucket, { ttl, streamInfo: { config } }: NatsStatus): void {
  const { storage, discard, max_bytes, max_msgs, num_replicas, allow_rollup_hdrs } = config
  const wrong =
    ttl === 0
      ? 'it keeps every session for ever; give it a ttl (in ms) of at least twice the idle timeout'
      : storage !== 'file'
        ? "it forgets everything when the server restarts; create it with storage: 'file'"
        : (max_bytes > 0 || max_msgs > 0) && discard !== 'new'
          ? "it drops the oldest sessions when it is full; set the stream's discard policy to new"
          : !allow_rollup_hdrs
            ? "it takes no purge, so no session could be ended; set the stream's allow_rollup_hdrs"
            : (bucket as Insides).direct === true && num_replicas > 1
              ? 'any replica may answer a read, and a session that has ended would live on there; open it with allow_direct: false'
              : null
  if (wrong !== null) throw invalid(`natsStore cannot keep sessions in this bucket: ${wrong}`)
}

/** Somebody else wrote the key, or deleted it, or it is there already. */
export function isLostRace(error: unknown): boolean {
  return wrongLastSequence.has(codeOf(error))
}

export function isTooLarge(error: unknown): boolean {
  return (
    error instanceof Error && /max_payload|message size exceeds/i.test(`${error.message} ${String((error as { code?: unknown }).code)}`)
  )
}

/** What to do about a failure, where that is known. */
export function adviceFor(error: unknown): string | undefined {
  if (error instanceof CoatcheckError) return undefined
  const said = error instanceof Error ? `${error.name} ${error.message}` : ''
  if (/stream not found/i.test(said)) return "create the bucket: await new Kvm(connection).create('sessions', { ttl: 7 * 24 * 3_600_000 })"
  if (/closed/i.test(said)) return 'the connection was closed; open it before natsStore is used, and close it last'
  if (/permission|authorization/i.test(said)) return 'give the user publish permission on $JS.API.> and $KV.<bucket>.>'
  return undefined
}

/** `code` in @nats-io/kv, `api_error.err_code` in nats 2. */
function codeOf(error: unknown): number {
  const { code, api_error } = (error ?? {}) as { code?: unknown; api_error?: { err_code?: unknown } }
  return Number(api_error?.err_code ?? code)
}
