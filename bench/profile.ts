import type { Profiler } from 'node:inspector'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Bench, startLoad } from './measure.ts'
import { routes } from './messages.ts'
import type { Store } from './stores.ts'
import type { Listed } from './subjects/index.ts'

const functionCount = 15
const fileCount = 12

/** Runs one subject alone and says, route by route, which functions its time goes to. */
export async function profile(listed: Listed, runMs: number, dir: string, store: Store | undefined): Promise<string> {
  // The sampler is a thread: on the server's own core it would run only when the server calls the kernel, and find it there each time.
  const bench = new Bench(listed, startLoad(), 'any')
  await bench.start(dir, store)
  await bench.open()
  const texts: string[] = []
  for (const route of routes) {
    await bench.run(route, 2_000)
    const { cpuMicros, systemMicros } = await bench.run(route, runMs)
    await bench.server.ask('startProfile')
    await bench.run(route, runMs)
    const top = selfTimes(await bench.server.ask('stopProfile'), cpuMicros)
    texts.push(
      `${listed.subject.name}, ${route}: ${cpuMicros.toFixed(1)} µs per request, ${systemMicros.toFixed(1)} of them in the kernel\n${top.join('\n')}`,
    )
  }
  return texts.join('\n\n')
}

/** `(program)` is native code without a name of its own: the kernel, libuv, parts of crypto. */
function selfTimes({ nodes }: Profiler.Profile, cpuMicros: number): string[] {
  const byFunction = new Map<string, number>()
  const byFile = new Map<string, number>()
  let total = 0
  for (const { callFrame, hitCount = 0 } of nodes) {
    if (callFrame.functionName === '(idle)') continue
    const file = fileOf(callFrame.url)
    const name = `${callFrame.functionName || '(anonymous)'} ${file}${file === '' ? '' : `:${callFrame.lineNumber + 1}`}`
    byFunction.set(name, (byFunction.get(name) ?? 0) + hitCount)
    byFile.set(file || 'native', (byFile.get(file || 'native') ?? 0) + hitCount)
    total += hitCount
  }
  const top = (hitsOf: Map<string, number>, count: number): string[] =>
    [...hitsOf]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, count)
      .map(([name, hits]) => `${((hits / total) * cpuMicros).toFixed(2).padStart(9)} µs  ${name}`)
  return [...top(byFunction, functionCount), '  by file:', ...top(byFile, fileCount)]
}

function fileOf(url: string): string {
  return url.startsWith('file:') ? relative(process.cwd(), fileURLToPath(url)) : url
}
