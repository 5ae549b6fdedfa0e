import { relative, sep } from 'node:path'
import { CoatcheckError } from 'coatcheck'
import { storeFromUrl } from 'coatcheck/url'
import { outlivesProcess, withoutLogin } from './address.ts'
import { createDemo, type Demo } from './app.ts'
import { isTaken, listen, listenFrom, type Listening } from './listen.ts'
import { help, readOptions, type Options } from './options.ts'
import { nameOf } from './pegs.ts'
import { keepSecret } from './secret.ts'
import type { NamedStore } from './sessions.ts'

const usualPort = 3000

const options = readOptions(process.argv.slice(2), process.env)
if (typeof options === 'string') fail(options)
else if (options.help) console.log(help)
else await start(options)

async function start({ port, dataFolder, store: address }: Options): Promise<void> {
  const where = namedFromHere(dataFolder)
  let kept
  try {
    kept = keepSecret(dataFolder)
  } catch (error) {
    return fail(`The data folder ${where} cannot be used (${reason(error)}). Type another: npm start -- --data FOLDER`)
  }
  let named: NamedStore | null = null
  try {
    if (address !== null) named = { store: await storeFromUrl(address), url: address }
  } catch (error) {
    return fail(aboutStore(address ?? '', error))
  }
  let demo: Demo
  try {
    demo = createDemo({ dataFolder, secret: kept.secret, named })
  } catch (error) {
    return fail(
      `What is in ${where} cannot be used (${reason(error)}). Delete that folder to begin afresh, or type another: npm start -- --data FOLDER`,
    )
  }
  try {
    await demo.ready()
  } catch (error) {
    return fail(aboutStore(address ?? `sqlite:${where}`, error))
  }
  let listening: Listening
  try {
    listening = port === null ? await listenFrom(demo.app, usualPort) : await listen(demo.app, port)
  } catch (error) {
    await demo.close()
    return fail(
      isTaken(error)
        ? `Port ${port} is taken by another program. Type another: npm start -- --port ${(port ?? usualPort) + 1}, or none, for the next free one: npm start`
        : `Port ${port ?? usualPort} cannot be used (${reason(error)}). Type another: npm start -- --port 8080`,
    )
  }
  stopOnSignal(listening, demo)
  if (port === null && listening.port !== usualPort) console.log(`Port ${usualPort} is taken, so this is on ${listening.port}.`)
  const isNew = kept.isNew ? 'new ' : ''
  const places =
    named === null
      ? `Its ${isNew}secret and its sessions are in ${where}`
      : `Its ${isNew}secret is in ${where}, its sessions are in ${nameOf(named.url)}`
  console.log(`The coat check is open at http://localhost:${listening.port}. ${places}. ${promise(address)}`)
}

function promise(address: string | null): string {
  return address === null || outlivesProcess(address)
    ? 'Sign in, stop it with Ctrl-C, start it again: you are still signed in.'
    : 'Stop it with Ctrl-C. What hangs there is gone then, sign-ins too.'
}

function aboutStore(address: string, error: unknown): string {
  const look =
    error instanceof CoatcheckError && error.code === 'config_invalid' ? '' : 'See that it is running and that the address is right. '
  return `The store at ${withoutLogin(address)} cannot be used (${reason(error)}). ${look}How to write one: npm start -- --help`
}

function stopOnSignal(listening: Listening, demo: Demo): void {
  const stop = async (): Promise<void> => {
    await listening.close()
    await demo.close()
    console.log('Closed. What hangs in a store that lasts waits for the next start.')
  }
  // npm passes Ctrl-C on to a program that has got it from the terminal already.
  let stopping: Promise<void> | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void (stopping ??= stop()))
}

/** `./data` for a folder below this one, the whole path for any other. */
function namedFromHere(folder: string): string {
  const path = relative('', folder)
  return path.startsWith('..') || path.startsWith(sep) ? folder : `.${sep}${path}`
}

function fail(sentence: string): never {
  console.error(sentence)
  // At once: some clients go on knocking for minutes, and end in a stack trace.
  process.exit(1)
}

function reason(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return line.trim().replace(/^\[coatcheck\] /, '')
}
