import { describe, it } from 'vitest'
import { adapterContract } from '../../src/testing/adapter-contract.ts'
import { serveExpress, serveFastify, serveFetch, serveHono, serveHonoFetch, serveKoa, serveNode } from './harness.ts'

const runner = { describe, it }
const honoLacks = { 'S4.7': "Hono's own error handler answers 500 for an error without getResponse" }

adapterContract({ name: 'node:http', serve: serveNode }, runner)
adapterContract({ name: 'Express', serve: serveExpress }, runner)
adapterContract({ name: 'Fastify', serve: serveFastify }, runner)
adapterContract({ name: 'Koa', serve: serveKoa }, runner)
adapterContract({ name: 'Hono under @hono/node-server', serve: serveHono, lacks: honoLacks }, runner)
adapterContract({ name: 'Hono on fetch alone', serve: serveHonoFetch, lacks: honoLacks }, runner)
adapterContract({ name: 'fetch', serve: serveFetch }, runner)
