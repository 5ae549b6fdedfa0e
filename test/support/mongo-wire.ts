/** MongoDB's wire protocol, as much of it as the official driver speaks: OP_MSG, and OP_QUERY for its first hello. */
import { BSON } from 'mongodb'

export type Doc = Record<string, unknown>

export interface Message {
  readonly requestId: number
  readonly command: Doc
  /** Whoever asks wants an OP_REPLY. */
  readonly legacy: boolean
  /** Nobody waits for an answer. */
  readonly silent: boolean
}

const opReply = 1
const opQuery = 2004
const opMsg = 2013
const headerBytes = 16
const moreToCome = 2

/** Splits what arrives on a socket into messages. */
export class Messages {
  #chunks: Buffer[] = []
  #bytes = 0
  #wanted = 4

  push(chunk: Buffer): Message[] {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    const found: Message[] = []
    // Long messages come in many chunks, which are joined once.
    while (this.#bytes >= this.#wanted) {
      const held = Buffer.concat(this.#chunks)
      const length = held.readInt32LE(0)
      const isWhole = held.length >= length
      if (isWhole) found.push(read(held.subarray(0, length)))
      const rest = isWhole ? held.subarray(length) : held
      this.#chunks = [rest]
      this.#bytes = rest.length
      this.#wanted = isWhole ? 4 : length
    }
    return found
  }
}

function read(bytes: Buffer): Message {
  const requestId = bytes.readInt32LE(4)
  const operation = bytes.readInt32LE(12)
  if (operation === opQuery) {
    const afterName = bytes.indexOf(0, headerBytes + 4) + 1
    return { requestId, command: BSON.deserialize(bytes.subarray(afterName + 8)), legacy: true, silent: false }
  }
  if (operation !== opMsg) throw new Error(`the double does not know the operation ${operation}`)
  return { requestId, command: sections(bytes), legacy: false, silent: (bytes.readUInt32LE(headerBytes) & moreToCome) !== 0 }
}

/** One document, and lists of documents that belong into it. */
function sections(bytes: Buffer): Doc {
  const command: Doc = {}
  for (let at = headerBytes + 4; at < bytes.length;) {
    const kind = bytes[at]
    const size = bytes.readInt32LE(at + 1)
    const section = bytes.subarray(at + 1, at + 1 + size)
    if (kind === 0) Object.assign(command, BSON.deserialize(section))
    else Object.assign(command, list(section))
    at += 1 + size
  }
  return command
}

function list(section: Buffer): Doc {
  const nameEnd = section.indexOf(0, 4)
  const documents: Doc[] = []
  for (let at = nameEnd + 1; at < section.length; at += section.readInt32LE(at)) {
    documents.push(BSON.deserialize(section.subarray(at, at + section.readInt32LE(at))))
  }
  return { [section.toString('utf8', 4, nameEnd)]: documents }
}

export function reply({ requestId, legacy }: Message, answer: Doc): Buffer {
  const body = BSON.serialize(answer)
  const between = Buffer.alloc(legacy ? 20 : 5)
  if (legacy) between.writeInt32LE(1, 16)
  const header = Buffer.alloc(headerBytes)
  header.writeInt32LE(headerBytes + between.length + body.length, 0)
  header.writeInt32LE(requestId, 8)
  header.writeInt32LE(legacy ? opReply : opMsg, 12)
  return Buffer.concat([header, between, body])
}
