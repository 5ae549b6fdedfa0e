import { findProgram } from './servers/launch.ts'

/** The one without windows first: it is the same browser and takes half the time. */
const names = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const applications = ['/Applications/Google Chrome.app/Contents/MacOS', '/Applications/Chromium.app/Contents/MacOS']

/** The browser to drive: `$CHROMIUM`, else the first one on the PATH or in macOS's applications. `null`: none. */
export function findBrowser(): string | null {
  const chosen = process.env['CHROMIUM']
  if (chosen) return findProgram([chosen], [''])
  return findProgram([...names, 'Google Chrome', 'Chromium'], applications)
}
