/**
 * DynamoDB as dynalite plays it, in memory, with the time to live that dynalite lacks and a count of requests. This file is also the
 * program that serves: `node dynamodb.ts <port>`.
 */
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
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
      command: (port) => [process.execPath, program, String(port)],
    }),
}

interface Specification {
  readonly TableName: string
  readonly TimeToLiveSpecification?: { readonly AttributeName: string }
}

function serve(port: number): void {
  const dynalite = require('dynalite') as (options: object) => HttpServer
  const behind = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  /** Which table has which attribute. Nothing is dropped: DynamoDB may take days for it, too. */
  const attributes = new Map<string, string>()
  let requests = 0
  createServer((req, res) => {
    if (req.method === 'GET' && req.url === '/requests') return void res.end(String(requests))
    requests++
    const action = String(req.headers['x-amz-target']).split('.')[1] ?? ''
    if (/^(Update|Describe)TimeToLive$/.test(action)) void timeToLive(attributes, req, res)
    else behind.emit('request', req, res)
  }).listen(port, '127.0.0.1')
}

async function timeToLive(attributes: Map<string, string>, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { TableName, TimeToLiveSpecification } = JSON.parse(await text(req)) as Specification
  if (TimeToLiveSpecification !== undefined) attributes.set(TableName, TimeToLiveSpecification.AttributeName)
  const AttributeName = attributes.get(TableName)
  const TimeToLiveDescription =
    AttributeName === undefined ? { TimeToLiveStatus: 'DISABLED' } : { TimeToLiveStatus: 'ENABLED', AttributeName }
  res.setHeader('content-type', 'application/x-amz-json-1.0')
  res.end(JSON.stringify({ TimeToLiveSpecification, TimeToLiveDescription }))
}

if (process.argv[1] === program) serve(Number(process.argv[2]))
