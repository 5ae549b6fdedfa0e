import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, launch, type Program, type Server, theProgram } from './launch.ts'

/** A cache in front of a server on this machine, as tutorials set it up; every answer says `X-Cache: HIT`, `MISS` … */
export function startNginx(upstreamPort: number): Promise<Server> {
  return launch({
    name: 'nginx',
    url: (port) => `http://127.0.0.1:${port}`,
    command: (port, folder) => {
      writeFileSync(join(folder, 'nginx.conf'), configuration(port, upstreamPort))
      return [theProgram(['nginx']), '-e', 'stderr', '-p', folder, '-c', 'nginx.conf']
    },
  })
}

function configuration(port: number, upstreamPort: number): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((what) => `${what}_temp_path ${what};`)
  return `
daemon off;
# Workers would outlive a killed master.
master_process off;
pid pid;
events {}
http {
  access_log off;
  ${folders.join(' ')}
  proxy_cache_path cache keys_zone=pages:1m;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${upstreamPort};
      proxy_set_header Host $http_host;
      proxy_cache pages;
      proxy_cache_valid 10m;
      # Many do this so that a stray cookie does not keep everything out of the cache.
      proxy_ignore_headers Set-Cookie;
      add_header X-Cache $upstream_cache_status;
    }
  }
}
`
}

export const nginx: Program = { name: 'nginx', packages: ['nginx'], present: () => findProgram(['nginx']) !== null }
