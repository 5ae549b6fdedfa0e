import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { launchBrowser, noBrowser } from '../support/browser.ts'
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
  await Promise.all(people.map((person) => person.leave()))
  people = []
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

const phone = { userAgent: 'Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0', javaScriptEnabled: false }

test('one device signs another out, and it is signed out at its next load', async () => {
  const [laptop, mobile] = [await somebody(), await somebody(phone)]
  await laptop.signIn('Ada')
  await mobile.signIn('ada')
  expect(await mobile.flashes()).toEqual(['Welcome, ada. Your browser has a new secret.'])
  expect(await laptop.whoAmI()).toBe('Signed in as ada')

  const lines = laptop.card('My devices').locator('.devices li')
  expect(await lines.count()).toBe(2)
  expect(await laptop.card('My devices').locator('.devices .this').innerText()).toContain('Chrome on')
  await laptop.press('My devices', /^Sign out Firefox on Android/)
  expect(await laptop.flashes()).toEqual(['Firefox on Android is signed out.'])
  expect(await lines.count()).toBe(1)
  expect(await laptop.whoAmI()).toBe('Signed in as ada')
  expect(await mobile.whoAmI()).toContain('Nobody is signed in here')
})

test('everywhere else: only this device stays', async () => {
  const [laptop, mobile, tablet] = [await somebody(), await somebody(phone), await somebody()]
  for (const person of [laptop, mobile, tablet]) await person.signIn('grace')
  await laptop.whoAmI()
  await laptop.press('My devices', 'Sign out everywhere else')
  expect(await laptop.flashes()).toEqual(['Signed out on 2 other devices.'])
  expect(await laptop.whoAmI()).toBe('Signed in as grace')
  for (const person of [mobile, tablet]) expect(await person.whoAmI()).toContain('Nobody is signed in here')
})

test('C-15 signing out takes the cookie away, and the old one opens nothing', async () => {
  const person = await somebody()
  await person.signIn('alan')
  const before = await person.context.cookies()
  await person.press('My devices', 'Sign out here')
  expect(await person.cookie('auth')).toBeNull()
  await person.context.addCookies(before.filter(({ name }) => name === 'auth'))
  expect(await person.whoAmI()).toContain('Nobody is signed in here')
})

test('A-04 nobody signs out a device of somebody else', async () => {
  const [ada, mallory] = [await somebody(), await somebody()]
  await ada.signIn('victim')
  await mallory.signIn('mallory')
  const id = ((await ada.cookie('auth')) ?? '').slice(8, 32)
  const answer = await mallory.page.request.post('/devices/sign-out', { form: { id } })
  expect(await answer.text()).toContain('That is no device of yours')
  expect(await ada.whoAmI()).toBe('Signed in as victim')
})

test('signing in changes the secret and never the place of what was kept before', async () => {
  const person = await somebody()
  await person.setVariable('colour', 'green')
  await person.signIn('edsger')
  const first = await person.cookie('auth')
  await person.press('My devices', 'Sign out here')
  await person.signIn('edsger')
  expect(await person.cookie('auth')).not.toBe(first)
  expect(await person.variables()).toEqual({ colour: 'green' })
})

test('stopping and starting the process keeps everybody signed in', async () => {
  const person = await somebody()
  await person.signIn('barbara')
  await person.setVariable('colour', 'green')
  expect(await demo.stop('SIGINT')).toBe(0)
  demo = await runDemo(['--port', String(demo.port), '--data', scratch.folder])
  expect(await person.whoAmI()).toBe('Signed in as barbara')
  expect(await person.variables()).toEqual({ colour: 'green' })
})

test('the cookie of a signed-in visitor outlives the browser', async () => {
  const person = await somebody()
  await person.signIn('donald')
  const cookies = await person.context.cookies()
  const daysLeft = ((cookies.find(({ name }) => name === 'auth')?.expires ?? 0) * 1000 - Date.now()) / 86_400_000
  expect(daysLeft).toBeGreaterThan(29)
  expect(daysLeft).toBeLessThanOrEqual(30)
})
