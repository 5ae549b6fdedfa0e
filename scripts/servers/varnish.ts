import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, launch, type Program, type Server, theProgram } from './launch.ts'

/**
 * A cache in front of a server on this machine. By itself it hands on whatever comes with a cookie; `keepsPrivatePages` makes it look
 * such requests up too, as people do for speed, and leaves it to `Vary` and `Cache-Control` who sees what. `X-Cache` says `HIT` or `MISS`.
 */
export function startVarnish(upstreamPort: number, { keepsPrivatePages = false } = {}): Promise<Server> {
  return launch({
    name: 'varnish',
    url: (port) => `http://127.0.0.1:${port}`,
    command: (port, folder) => {
      writeFileSync(join(folder, 'default.vcl'), configuration(upstreamPort, keepsPrivatePages))
      const jail = process.getuid?.() === 0 ? ['-j', 'none'] : []
      const args = ['-F', '-a', `127.0.0.1:${port}`, '-T', 'none', '-f', join(folder, 'default.vcl'), '-s', 'malloc,16m']
      return [theProgram(['varnishd']), ...jail, '-n', join(folder, 'work'), ...args]
    },
  })
}

function configuration(upstreamPort: number, keepsPrivatePages: boolean): string {
  return `
vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "${upstreamPort}"; }
${keepsPrivatePages ? 'sub vcl_recv { if (req.method == "GET") { return (hash); } }' : ''}
sub vcl_deliver {
  set resp.http.X-Cache = "MISS";
  if (obj.hits > 0) { set resp.http.X-Cache = "HIT"; }
}
`
}

export const varnish: Program = { name: 'varnish', packages: ['varnish'], present: () => findProgram(['varnishd']) !== null }
