/** DynamoDB as dynalite plays it, with the time to live that dynalite lacks and a count of requests; this file is also the program that serves. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { launch, type ServerKind } from './launch.ts'

const require = createRequire(import.meta.url)
const program = fileURLToPath(import.meta.url)

export const dynamodb: ServerKind = {
  name: 'dynamodb',
  packages: [],
  present: () => true,
  start: () =>
    launch({
      name: 'dynamodb',
      url: (port) => `http://127.0.0.1:${port}`,
      command: (port, folder) => [process.execPath, program, String(port), folder],
    }),
}

function serve(port: number, folder: string): void {
  const dynalite = require('dynalite') as (options: object) => HttpServer
  const behind = dynalite({ path: join(folder, 'tables'), createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  const ttl = new TimesToLive(join(folder, 'ttl.json'))
  let requests = 0
  createServer((req, res) => {
    if (req.method === 'GET' && req.url === '/requests') return void res.end(String(requests))
    requests++
    const action = String(req.headers['x-amz-target']).split('.')[1] ?? ''
    if (/^(Update|Describe)TimeToLive$/.test(action)) ttl.answer(action, req, res)
    else behind.emit('request', req, res)
  }).listen(port, '127.0.0.1')
}

interface Specification {
  readonly TableName: string
  readonly TimeToLiveSpecification?: { readonly Enabled: boolean; readonly AttributeName: string }
}

/** Which table has which attribute. Nothing is dropped: DynamoDB may take days for it, too. */
class TimesToLive {
  readonly #file: string
  readonly #attributes: Record<string, string>

  constructor(file: string) {
    this.#file = file
    this.#attributes = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : {}
  }

  async answer(action: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { TableName, TimeToLiveSpecification } = JSON.parse(await text(req)) as Specification
    res.setHeader('content-type', 'application/x-amz-json-1.0')
    if (action === 'UpdateTimeToLive') {
      this.#attributes[TableName] = TimeToLiveSpecification?.AttributeName ?? ''
      writeFileSync(this.#file, JSON.stringify(this.#attributes))
      return void res.end(JSON.stringify({ TimeToLiveSpecification }))
    }
    const AttributeName = this.#attributes[TableName]
    const description = AttributeName === undefined ? { TimeToLiveStatus: 'DISABLED' } : { TimeToLiveStatus: 'ENABLED', AttributeName }
    res.end(JSON.stringify({ TimeToLiveDescription: description }))
  }
}

if (process.argv[1] === program) serve(Number(process.argv[2]), process.argv[3] ?? '.')
