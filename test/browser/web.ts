import { createServer } from 'node:https'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { launchBrowser, noBrowser } from '../support/browser.ts'
import { selfMadeCertificate } from '../support/certificate.ts'

/** What a host serves; hosts that are not listed serve an empty page. */
export type Hosts = Readonly<Record<string, RequestListener>>

/** A world of https hosts with made-up names, all on one port of this machine, and a browser that lives in it. */
export class Web {
  readonly #browser: Browser
  readonly #close: () => Promise<void>
  #contexts: BrowserContext[] = []

  private constructor(browser: Browser, close: () => Promise<void>) {
    this.#browser = browser
    this.#close = close
  }

  /** `null` when there is no browser on this machine. */
  static async open(hosts: Hosts): Promise<Web | null> {
    const { spkiHash, ...pem } = selfMadeCertificate()
    const server = createServer(pem, (req, res) => {
      const serve = hosts[req.headers.host ?? ''] ?? empty
      serve(req, res)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const { port } = server.address() as AddressInfo
    const close = (): Promise<void> =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      })
    const browser = await launchBrowser([
      `--host-resolver-rules=MAP * 127.0.0.1:${port}`,
      // Not ignoreHTTPSErrors: what came past an error Chromium does not cache.
      `--ignore-certificate-errors-spki-list=${spkiHash}`,
    ])
    if (browser === null) await close()
    return browser === null ? null : new Web(browser, close)
  }

  /** Somebody with cookies of their own. */
  async visitor(): Promise<{ readonly page: Page; readonly context: BrowserContext }> {
    const context = await this.#browser.newContext()
    this.#contexts.push(context)
    return { page: await context.newPage(), context }
  }

  /** Sends all visitors home. */
  async empty(): Promise<void> {
    await Promise.all(this.#contexts.map((context) => context.close()))
    this.#contexts = []
  }

  async close(): Promise<void> {
    await this.#browser.close()
    await this.#close()
  }
}

/** The web, or the reason to skip. */
export function theWeb(web: Web | null): Web {
  if (web === null) throw new Error(noBrowser)
  return web
}

const empty: RequestListener = (_req, res) => void res.setHeader('content-type', 'text/html').end('<!doctype html><title>.</title>')
