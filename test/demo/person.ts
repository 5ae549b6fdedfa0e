import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'

/** Somebody with a browser of their own, who knows the demo by what is written on it. */
export class Person {
  readonly context: BrowserContext
  readonly page: Page
  /** What went wrong in the browser: script errors, refused resources, dialogs. */
  readonly troubles: string[] = []

  private constructor(context: BrowserContext, page: Page) {
    this.context = context
    this.page = page
    page.on('pageerror', (error) => this.troubles.push(error.message))
    page.on('console', (message) => message.type() === 'error' && this.troubles.push(message.text()))
    page.on('dialog', (dialog) => {
      this.troubles.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
  }

  static async arrive(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Person> {
    return Person.#at(await browser.newContext({ baseURL: url, ...options }))
  }

  /** Who does not care how it looks: without style sheets and with little to draw a press takes half the time. */
  static async arrivePlainly(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ baseURL: url, viewport: { width: 600, height: 300 }, ...options })
    await context.route('**/*.css', (route) => route.fulfill({ body: '', contentType: 'text/css' }))
    return Person.#at(context)
  }

  static async #at(context: BrowserContext): Promise<Person> {
    const person = new Person(context, await context.newPage())
    await person.page.goto('/')
    return person
  }

  card(name: string) {
    return this.page.getByRole('region', { name })
  }

  async press(card: string, button: string | RegExp): Promise<void> {
    await this.card(card).getByRole('button', { name: button }).click()
    await this.page.waitForLoadState('load')
  }

  async hangIn(place: 'In the cookie' | 'In memory' | 'In SQLite'): Promise<void> {
    await this.press('Where shall we hang it?', place)
  }

  /** Which step of the counter the page says it is at. */
  count(): Promise<string> {
    return this.card('Count to three').locator('[aria-current=step]').innerText()
  }

  async setVariable(name: string, value: string, ttl = 'the session'): Promise<void> {
    const card = this.card('Variables, one by one')
    await card.getByLabel('Name').fill(name)
    await card.getByLabel('Value').fill(value)
    await card.getByLabel('Keep it for').selectOption(ttl)
    await this.press('Variables, one by one', 'Set')
  }

  /** The variables the page shows, name to value. */
  async variables(): Promise<Record<string, string>> {
    const rows = this.card('Variables, one by one').locator('tbody tr')
    const cells = await rows.evaluateAll((all) =>
      all.map((row) => [row.children[0]?.textContent ?? '', row.children[1]?.textContent ?? '']),
    )
    return Object.fromEntries(cells) as Record<string, string>
  }

  async signIn(name: string): Promise<void> {
    await this.card('My devices').getByLabel('Your name').fill(name)
    await this.press('My devices', 'Sign in')
  }

  /** Who the page says is signed in, at a fresh load. */
  async whoAmI(): Promise<string> {
    await this.page.goto('/')
    return this.page.locator('.who').innerText()
  }

  /** The flash messages on the page as it is. */
  flashes(): Promise<string[]> {
    return this.page.locator('.slip').allInnerTexts()
  }

  /** What the browser holds under a name. */
  async cookie(name: string): Promise<string | null> {
    const cookies = await this.context.cookies()
    return cookies.find((one) => one.name === name)?.value ?? null
  }

  leave(): Promise<void> {
    return this.context.close()
  }
}
