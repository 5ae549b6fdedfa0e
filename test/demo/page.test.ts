import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launchBrowser, noBrowser } from '../support/browser.ts'
import { full } from '../support/full.ts'
import { Person } from './person.ts'
import { runDemo, type RunningDemo, scratchFolder } from './run-demo.ts'

let browser: Browser | null
let demo: RunningDemo
let people: Person[] = []
const scratch = scratchFolder()

beforeAll(async () => {
  browser = await launchBrowser()
  if (browser !== null) demo = await runDemo(['--port', '0', '--data', scratch.folder])
})

beforeEach((context) => {
  if (browser === null) context.skip(noBrowser)
})

afterEach(async () => {
  const troubles = people.flatMap((person) => person.troubles)
  await Promise.all(people.map((person) => person.leave()))
  people = []
  expect(troubles).toEqual([])
})

afterAll(async () => {
  await browser?.close()
  await demo?.stop()
  scratch.remove()
})

async function somebody(options?: BrowserContextOptions): Promise<Person> {
  if (browser === null) throw new Error(noBrowser)
  const person = await Person.arrivePlainly(browser, demo.url, options)
  people.push(person)
  return person
}

const places = [
  ['In the cookie', 'cookie'],
  ['In memory', 'memory'],
  ['In SQLite', 'sqlite'],
] as const

describe.each([true, false])('with JavaScript: %s', (javaScriptEnabled) => {
  const options = { javaScriptEnabled }
  const shown = javaScriptEnabled && full ? places : javaScriptEnabled ? [places[0], places[2]] : [places[2]]

  test.each(shown)('S4.1 C-15 %s the counter is new, 0, 1, 2, 3 and invalidated, new again', async (place, cookie) => {
    const person = await somebody(options)
    await person.hangIn(place)
    expect(await person.count()).toBe('new')
    const seen: string[] = []
    for (let i = 0; i < 3; i++) {
      await person.press('Count to three', /session|Count/)
      seen.push(await person.count())
    }
    expect(seen).toEqual(['0', '1', '2'])
    expect(await person.cookie(cookie)).not.toBeNull()

    await person.press('Count to three', 'Count to 3 and end it')
    expect(await person.flashes()).toEqual(['The counter said 3, and the session is over: no row, no cookie.'])
    expect(await person.count()).toBe('new')
    expect(await person.cookie(cookie)).toBeNull()

    await person.press('Count to three', 'Open a session')
    expect(await person.count()).toBe('0')
  })

  test('S1.1 looking around sets no cookie; the first write sets one', async () => {
    const person = await somebody(options)
    await person.page.reload()
    expect(await person.context.cookies()).toEqual([])
    await person.setVariable('colour', 'green')
    expect(await person.cookie('sqlite')).toMatch(/^t1/)
  })

  test.each(shown)('S1.7 S3.1 %s variables are set, replaced and removed one by one', async (place) => {
    const person = await somebody(options)
    await person.hangIn(place)
    await person.setVariable('colour', 'green')
    await person.setVariable('größe-☂', '<b>38</b>')
    await person.setVariable('colour', 'red')
    expect(await person.variables()).toEqual({ colour: 'red', 'größe-☂': '<b>38</b>' })
    await person.press('Variables, one by one', 'Remove colour')
    expect(await person.variables()).toEqual({ 'größe-☂': '<b>38</b>' })
  })

  test('S3.1 each place keeps its own data while another is on show', async () => {
    const person = await somebody(options)
    for (const [place] of places) {
      await person.hangIn(place)
      await person.setVariable('here', place)
    }
    for (const [place] of places) {
      await person.hangIn(place)
      expect(await person.variables()).toEqual({ here: place })
    }
  })

  test('S3.3 the cart starts in the cookie, spills, and the page says so; the old cookie is refused', async () => {
    const person = await somebody(options)
    const where = person.card('A cart').locator('.where')
    await person.press('A cart', /Put in a scarf/)
    expect(await where.innerText()).toMatch(/^In your cookie\. \d+ of at most 4,096 bytes\.$/)
    const before = await person.context.cookies()
    expect(before.find(({ name }) => name === 'cart')?.value).toMatch(/^s1/)
    let trunks = 0
    while (!(await where.innerText()).startsWith('In the store.')) {
      await person.press('A cart', /Put in a trunk/)
      expect(++trunks).toBeLessThan(6)
    }
    expect(trunks).toBeGreaterThan(1)
    expect(await person.cookie('cart')).toMatch(/^t1.{98}$/)
    expect(await person.card('A cart').locator('.goods li').count()).toBe(trunks + 1)

    await person.context.addCookies(before.filter(({ name }) => name === 'cart'))
    await person.page.reload()
    expect(await person.card('A cart').innerText()).toContain('The cart is empty.')
  })

  test('C-15 handing the cart back takes its cookie away', async () => {
    const person = await somebody(options)
    await person.press('A cart', /Put in an overcoat/)
    expect(await person.cookie('cart')).not.toBeNull()
    await person.press('A cart', 'Hand it all back')
    expect(await person.cookie('cart')).toBeNull()
    expect(await person.card('A cart').innerText()).toContain('No cookie, no row.')
  })

  test('S3.9 a flash message is shown once, and can be put away', async () => {
    const person = await somebody(options)
    await person.card('A message').getByLabel('Message').fill('Mind the <step>.')
    await person.press('A message', 'Leave it')
    expect(await person.flashes()).toEqual(['Mind the <step>.'])
    await person.page.getByRole('button', { name: 'Put the message away' }).click()
    expect(await person.page.locator('.slips').isVisible()).toBe(false)
    await person.page.reload()
    expect(await person.flashes()).toEqual([])
  })

  test.each(places.slice(1))('%s fifty requests at once: 50 of 50 kept', async (place) => {
    const person = await somebody(options)
    await person.hangIn(place)
    await person.press('Fifty requests at once', 'Send 50 requests')
    await expect
      .poll(() => person.card('Fifty requests at once').locator('#fifty-kept').innerText(), { timeout: 20_000 })
      .toMatch(/^50 of 50 kept/)
    expect(await person.card('Fifty requests at once').locator('.dots .on').count()).toBe(50)
    await person.page.reload()
    expect((await person.variables())['fifty']).toBe('50')
  })

  test('In the cookie, fifty requests at once lose some, and the page said so', async () => {
    const person = await somebody(options)
    await person.hangIn('In the cookie')
    expect(await person.card('Fifty requests at once').innerText()).toContain('the last answer wins')
    for (const promise of ['A logout is final.', 'No acknowledged write is lost.', '50 of 50.']) {
      expect(await person.page.getByText(promise, { exact: true }).count(), promise).toBe(0)
    }
    await person.press('Fifty requests at once', 'Send 50 requests')
    await expect
      .poll(() => person.card('Fifty requests at once').locator('#fifty-kept').innerText(), { timeout: 20_000 })
      .toMatch(/^([1-9]|[1-4]\d) of 50 kept/)
  })
})
