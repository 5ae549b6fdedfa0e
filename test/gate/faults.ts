/** npm run test:faults: every way a connection can break × every store × every operation, with a verdict each. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { kindNamed } from '../../scripts/servers/index.ts'
import { root } from '../../scripts/source.ts'
import { faults, FaultyPlace, operations, type Verdict } from '../stores/faults.ts'
import type { StoreProfile } from '../stores/profile.ts'
import { profiles } from '../stores/profiles/index.ts'
import { outliveGoogle } from './program.ts'

const help = `npm run test:faults [-- options]

Breaks the connection to every store in every way, at every operation, and prints a verdict for each: what the application was told, and
when all was well again. Ends with code 1 when anything is wrong. With all stores it writes docs/faults.md.

  --only NAME   one store (repeatable)
  --help        this text`

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true, default: [] }, help: { type: 'boolean', default: false } },
})
if (values.help) {
  console.log(help)
  process.exit()
}
const chosen = profiles.filter(({ name, breaks }) => breaks !== false && (values.only.length === 0 || values.only.includes(name)))
const head = [`| store | fault | ${operations.join(' | ')} |`, `| --- | --- |${' --- |'.repeat(operations.length)}`]
const lines: string[] = []

const alive = setInterval(() => {}, 60_000)
outliveGoogle()
for (const line of head) console.log(line)
for (const profile of chosen) await tryOut(profile)
clearInterval(alive)
if (values.only.length === 0) writePage()

async function tryOut(profile: StoreProfile): Promise<void> {
  const servers = await Promise.all(profile.servers.map((name) => kindNamed(name).start()))
  const urls = servers.map(({ url }) => url)
  for (const [name, fault] of Object.entries(faults)) {
    const place = await FaultyPlace.open(profile, urls)
    const cells: string[] = []
    for (const operation of operations) {
      if (operation === 'list' && !place.lists) cells.push('none')
      else cells.push(cellOf(await place.try(fault, operation), `${profile.name}, ${name}, ${operation}`))
    }
    await place.close()
    const line = `| ${profile.name} | ${name} | ${cells.join(' | ')} |`
    console.log(line)
    lines.push(line)
  }
  await Promise.all(servers.map((server) => server.stop()))
}

/** `refused, 0.5 s, back 0.1 s`: what the application was told, when, and how long until all was well. */
function cellOf({ answer, tookMs, backMs, problems }: Verdict, where: string): string {
  for (const problem of problems) console.error(`${where}: ${problem}`)
  if (problems.length > 0) process.exitCode = 1
  const word = problems.length > 0 ? `**${problems.join('; ')}**` : answer === 'answered' ? 'right' : 'refused'
  return `${word}, ${(tookMs / 1000).toFixed(1)} s${backMs > 100 ? `, back ${(backMs / 1000).toFixed(1)} s` : ''}`
}

function writePage(): void {
  const { version, arch, platform } = process
  const text = `# Faults

What an application sees when the connection between a store and its server breaks, by operation: _right_ (the right answer) or _refused_ (an
error \`store_unavailable\`, nothing promised), after how long, and when it took more than 0.1 s how long until all was well again, without anybody
restarting anything. After each the store was looked into directly: nothing half done, nothing done twice, nothing promised and not
kept. The engine's deadline was half a second.

${[...head, ...lines].join('\n')}

Node ${version}, ${platform} ${arch}. Made by \`npm run test:faults\`.
`
  writeFileSync(join(root, 'docs/faults.md'), text)
}
