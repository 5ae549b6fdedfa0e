import { describe, it } from 'vitest'
import { adapterContract } from '../../src/testing/adapter-contract.ts'
import { serveExpress, serveFastify, serveFetch, serveHono, serveHonoFetch, serveKoa, serveNode } from './harness.ts'

const runner = { describe, it }

adapterContract({ name: 'node:http', serve: serveNode }, runner)
adapterContract({ name: 'Express', serve: serveExpress }, runner)
adapterContract({ name: 'Fastify', serve: serveFastify }, runner)
adapterContract({ name: 'Koa', serve: serveKoa }, runner)
adapterContract({ name: 'Hono under @hono/node-server', serve: serveHono }, runner)
adapterContract({ name: 'Hono on fetch alone', serve: serveHonoFetch }, runner)
adapterContract({ name: 'fetch', serve: serveFetch }, runner)
