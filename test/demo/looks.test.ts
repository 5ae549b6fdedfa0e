import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
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
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

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
  const person = await Person.arrive(browser, demo.url, options)
  people.push(person)
  return person
}

/** Leaves something on every ticket, so that every part of the page is there to be judged. */
async function useEverything(person: Person): Promise<void> {
  await person.press('Count to three', 'Open a session')
  await person.setVariable('name', 'value', '1m')
  for (const good of [/Put in a scarf/, /Put in a trunk/]) await person.press('A cart', good)
  await person.signIn('ada')
  await person.press('A message', 'Leave it')
}

async function violations(person: Person): Promise<string[]> {
  await person.page.evaluate(axe)
  const { violations: found } = await person.page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  )
  return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary ?? ''}`))
}

const widths = { light: full ? [1280, 390] : [1280], dark: full ? [1280, 390] : [390] }

describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
  test.each(widths[colorScheme])('axe finds nothing at %i pixels, before and after use', async (width) => {
    const person = await somebody({ colorScheme, viewport: { width, height: 900 } })
    expect(await violations(person)).toEqual([])
    const other = await somebody()
    await other.signIn('ada')
    await useEverything(person)
    expect(await violations(person)).toEqual([])
  })

  test('axe finds nothing in the cookie place and on a problem page', async () => {
    const person = await somebody({ colorScheme })
    await person.hangIn('In the cookie')
    await person.setVariable('name', 'value')
    expect(await violations(person)).toEqual([])
    expect((await fetch(`${demo.url}/nowhere`)).status).toBe(404)
    await person.page.goto('/nowhere')
    expect(await violations(person)).toEqual([])
    person.troubles.splice(0) // Chromium notes the 404 as an error.
  })
})

test.each([360, 768, 1280])('nothing sticks out sideways at %i pixels, whatever somebody types', async (width) => {
  const person = await somebody({ viewport: { width, height: 800 } })
  await useEverything(person)
  await person.setVariable('n'.repeat(300), 'v'.repeat(1500))
  await person.page.reload()
  expect(await person.page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
})

test('A-03 what people type is shown as they typed it and never runs', async () => {
  const nasty = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
  const person = await somebody({ userAgent: 'Mozilla/5.0 (<script>alert(3)</script>) Firefox/1' })
  await person.setVariable(nasty, `</code>${nasty}`)
  await person.card('A message').getByLabel('Message').fill(nasty)
  await person.press('A message', 'Leave it')
  expect(await person.flashes()).toEqual([nasty])
  await person.signIn('<i onclick=alert(4)>')
  expect(await person.whoAmI()).toBe('Signed in as <i onclick=alert(4)>')
  expect(await person.variables()).toEqual({ [nasty]: `</code>${nasty}` })
  expect(await person.page.locator('main img, main script, main [onclick]').count()).toBe(0)
  await person.press('Variables, one by one', /^Remove/)
  expect(await person.variables()).toEqual({})
})

test('the secret is nowhere in the page, its number is on both halves', async () => {
  const person = await somebody()
  await person.setVariable('colour', 'green')
  const ticket = (await person.cookie('sqlite')) ?? ''
  const source = await person.page.content()
  expect(ticket).toHaveLength(100)
  for (let at = 32; at < 76; at += 8) expect(source).not.toContain(ticket.slice(at, at + 8))
  expect(await person.card('Both halves').locator('.yours .id').first().innerText()).toBe(ticket.slice(8, 32))
  expect(await person.card('Both halves').locator('.ours mark.id').first().innerText()).toBe(ticket.slice(8, 32))
  await person.hangIn('In the cookie')
  await person.setVariable('colour', 'green')
  const sealed = (await person.cookie('cookie')) ?? ''
  expect(await person.page.content()).not.toContain(sealed.slice(12, 24))
})

test('S1.5 a variable with a life of its own says so in the row, and goes', async () => {
  const person = await somebody()
  await person.setVariable('short', 'lived', '10s')
  expect(await person.card('Both halves').locator('.body').innerText()).toContain('"until"')
  await expect.poll(() => person.page.reload().then(() => person.variables()), { timeout: 15_000, interval: 1000 }).toEqual({})
})

test('S3.2 what does not fit the cookie is refused in plain words, and nothing changes', async () => {
  const person = await somebody()
  await person.hangIn('In the cookie')
  await person.setVariable('small', 'fits')
  await person.setVariable('large', 'x'.repeat(4000))
  expect(await person.page.getByRole('heading', { level: 1 }).innerText()).toBe('That did not work')
  expect(await person.page.locator('.wall').innerText()).toContain('cookie_too_large')
  await person.page.getByRole('link', { name: 'Back to the counter' }).click()
  expect(await person.variables()).toEqual({ small: 'fits' })
  person.troubles.splice(0) // Chromium notes the 413 as an error.
})

test('the keyboard goes to the skip link first, and every stop shows where it is', async () => {
  const person = await somebody()
  await person.page.keyboard.press('Tab')
  expect(await person.page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the counter')
  for (let i = 0; i < 25; i++) {
    await person.page.keyboard.press('Tab')
    const { name, outlinePx } = await person.page.evaluate(() => {
      const active = document.activeElement as HTMLElement
      return { name: active.outerHTML.slice(0, 80), outlinePx: parseFloat(getComputedStyle(active).outlineWidth) }
    })
    expect(outlinePx, name).toBeGreaterThanOrEqual(2)
  }
})

describe('without a browser', () => {
  test('X-01 a form of another site gets no session', async () => {
    const answer = await fetch(`${demo.url}/counter`, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })
    expect(answer.status).toBe(403)
    expect(answer.headers.getSetCookie()).toEqual([])
    expect(await answer.text()).toContain('The request came from another site')
  })

  test('the policy allows nothing inline and nothing from elsewhere', async () => {
    const answer = await fetch(demo.url)
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    const page = await answer.text()
    expect(page).not.toMatch(/\sstyle=|<style|\son\w+=/)
    expect(page.match(/(?:src|href|action)="(?!\/|#)[^"]*"/g)).toBeNull()
  })

  test('junk in every field and cookie is answered, never with a 500', async () => {
    const junk = [
      '',
      'a=1&a=2',
      'name=&value=',
      '__proto__=x&name=__proto__&value=1',
      `name=${'n'.repeat(5000)}`,
      'id[]=1',
      '%',
      'on=toString',
      'item=constructor',
    ]
    for (const path of [
      '/counter',
      '/variables',
      '/variables/delete',
      '/cart',
      '/messages',
      '/switch',
      '/sign-in',
      '/devices/sign-out',
      '/devices/others',
      '/fifty/one',
    ]) {
      for (const body of junk) {
        const headers = {
          'content-type': 'application/x-www-form-urlencoded',
          cookie: 'sqlite=t1junk; auth=; cart=s1; notes="x"; prefs=%%%',
        }
        const { status } = await fetch(demo.url + path, { method: 'POST', body, headers, redirect: 'manual' })
        expect(status, `${path} ${body.slice(0, 40)}`).toBeLessThan(500)
      }
    }
  })
})
