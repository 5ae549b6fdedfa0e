import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run } from '../../scripts/run.ts'
import { findPython } from '../support/python.ts'

const program = ['--import', './scripts/resolve-source.ts', 'examples/webapp2-and-api/main.ts']

/** What both said, without the line that tells which Python it was. */
async function talk(env: string): Promise<{ first: string; rest: string[] }> {
  const before = process.env['PYTHON']
  process.env['PYTHON'] = env
  try {
    const { code, output } = await run(process.execPath, program)
    expect(code, output).toBe(0)
    const [first = '', ...rest] = output.split('\n')
    return { first, rest: rest.map((line) => line.replaceAll(/ {2,}/g, ' ')) }
  } finally {
    process.env['PYTHON'] = before
    if (before === undefined) delete process.env['PYTHON']
  }
}

test.each(['3', '2.7'] as const)('S0.1 S0.9 S0.16 the web application on Python %s and the API share a session', async (version) => {
  const python = findPython(version)
  if (python === null) return console.log(`left out: no Python ${version}`)
  const { first, rest } = await talk(python)
  expect(first).toContain(`runs on ${python}`)
  expect(rest).toEqual([
    'api GET / nobody is signed in',
    'web GET /?user=ada {"user": "ada", "visits": 1}',
    expect.stringMatching(/^api GET \/ \{("user":"ada","visits":1|"visits":1,"user":"ada")\}$/),
    expect.stringMatching(/^api POST \/\?add=hat .*"cart":\["hat"\]/),
    expect.stringMatching(/^api POST \/\?add=coat .*"cart":\["hat","coat"\]/),
    'web GET / {"cart": ["hat", "coat"], "user": "ada", "visits": 2}',
    expect.stringMatching(/"visits":2/),
  ])
})

test('S0.16 without a Python it reads what webapp2 wrote in 2012', async () => {
  const before = process.env['PATH']
  process.env['PATH'] = ''
  try {
    const { first, rest } = await talk('no-python')
    expect(first).toMatch(/^no Python here \(apt-get install/)
    expect(rest).toEqual([
      'api GET / nobody is signed in',
      'api GET / {"foo":"bar"}',
      'api POST /?add=hat {"foo":"bar","cart":["hat"]}',
      'api POST /?add=coat {"foo":"bar","cart":["hat","coat"]}',
      'api GET / {"foo":"bar","cart":["hat","coat"]}',
    ])
  } finally {
    process.env['PATH'] = before
  }
})

test.skipIf(process.platform === 'win32')('a Python that ends at once ends the example too', async () => {
  const python = join(mkdtempSync(join(tmpdir(), 'coatcheck-python-')), 'python')
  onTestFinished(() => rmSync(dirname(python), { recursive: true }))
  writeFileSync(python, '#!/bin/sh\n[ "$1" = -c ] || exit 1\n', { mode: 0o755 })
  const before = process.env['PYTHON']
  onTestFinished(() => {
    process.env['PYTHON'] = before
    if (before === undefined) delete process.env['PYTHON']
  })
  process.env['PYTHON'] = python
  const { code, output } = await run(process.execPath, program)
  expect(code).toBe(1)
  expect(output).toContain('has ended')
})
