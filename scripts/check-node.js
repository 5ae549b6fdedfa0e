// Plain JavaScript on purpose: it has to run on the very Node that is too old for everything else.
const wantedMajor = 24
const major = Number(process.versions.node.split('.')[0])

if (major < wantedMajor) {
  console.error(
    `These scripts run on Node ${process.versions.node} (${process.execPath}); the repository develops and tests on Node ${wantedMajor}.\n` +
      'npm did not link the Node that comes as a dependency. Run `npm ci` (without --omit=optional, and without NODE_ENV=production),\n' +
      `or put a Node ${wantedMajor} first on your PATH.`,
  )
  process.exit(1)
}
