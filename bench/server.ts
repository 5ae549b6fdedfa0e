/** A process that runs one subject. Its whole CPU time is the subject's. */
import { Session } from 'node:inspector/promises'
import { answerParent, type ServerCalls } from './messages.ts'
import { findSubject } from './subjects/index.ts'

const inspector = new Session()

answerParent<ServerCalls>({
  async start({ group, name, place }) {
    const { port } = await (await findSubject(group, name)).start(place)
    return { port }
  },
  cpuUsage: () => process.cpuUsage(),
  async startProfile() {
    inspector.connect()
    await inspector.post('Profiler.enable')
    await inspector.post('Profiler.setSamplingInterval', { interval: 200 })
    await inspector.post('Profiler.start')
  },
  async stopProfile() {
    const { profile } = await inspector.post('Profiler.stop')
    inspector.disconnect()
    return profile
  },
})
