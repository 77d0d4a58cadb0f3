import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import pino from 'pino'
import { startDatabaseServer } from './lib/database.ts'
import { openRebuildPlace } from './rebuild.ts'

const N = Number(process.argv[2] ?? 60000),
  R = Number(process.argv[3] ?? 3),
  prof = process.argv[4]
const log = pino({ level: 'error' })
const server = await startDatabaseServer(log)
try {
  const t0 = performance.now()
  const place = await openRebuildPlace({ server, log }, N)
  console.log('made', place.events, ((performance.now() - t0) / 1000).toFixed(1), 's')
  for (let i = 0; i < R; i++) {
    const last = i === R - 1 && prof
    const session = new Session()
    session.connect()
    if (last) {
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: 500 })
      await session.post('Profiler.start')
    }
    const b = process.cpuUsage()
    let rss = 0
    const s = setInterval(() => {
      rss = Math.max(rss, process.memoryUsage.rss())
    }, 50)
    const seconds = await place.rebuild()
    clearInterval(s)
    const { user, system } = process.cpuUsage(b)
    console.log(
      `${(place.events / seconds).toFixed(0)}/s wall, cpu ${((user + system) / place.events).toFixed(1)} us/event, rss ${(rss / 2 ** 20).toFixed(0)}`,
    )
    if (last) {
      const { profile } = await session.post('Profiler.stop')
      writeFileSync(prof, JSON.stringify(profile))
    }
  }
  console.log('copy', (place.events / (await place.copy())).toFixed(0))
  await place.close()
} finally {
  await server.stop()
}
process.exit(0)
