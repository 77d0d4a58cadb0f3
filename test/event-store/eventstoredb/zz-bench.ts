import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openEventStoreDbEventStore } from '../../../src/event-store/eventstoredb.ts'
import { newEvent, newEvents, newStream, silent } from '../helpers.ts'
setFlagsFromString('--expose-gc')
const gc: () => void = runInNewContext('gc')
const child = spawn(process.execPath, ['--import', 'tsx', 'test/event-store/eventstoredb/run-server.ts'], { stdio: ['ignore', 'pipe', 'inherit'] })
const url = await new Promise<string>((r) => createInterface({ input: child.stdout }).on('line', (l) => r(/at (\S+)/.exec(l)![1]!)))
const store = await openEventStoreDbEventStore({ connectionString: url, log: silent })
let t = performance.now()
for (let i = 0; i < 30; i++) await store.append(newStream(), newEvents(1000), 'none')
console.log('append batch events/s', 30000 / ((performance.now() - t) / 1000))
t = performance.now()
for (let i = 0; i < 300; i++) await store.append(newStream(), newEvents(1), 'none')
console.log('append single/s', 300 / ((performance.now() - t) / 1000))
t = performance.now()
const c0 = process.cpuUsage()
let n = 0
let last = 0n
for await (const m of store.subscribe('start', new AbortController().signal)) { if (m.kind === 'caughtUp') break; n++; last = m.event.position }
console.log('cpu', process.cpuUsage(c0), n)
process.exitCode=0
console.log('subscribe events/s', n / ((performance.now() - t) / 1000))
if (process.env.SHORT) { await store.close(); child.kill('SIGTERM'); process.exit(0) }
const stream = newStream()
for (let i = 0; i < 60; i++) await store.append(stream, [newEvent({ text: `${i} ${'x'.repeat(1_000_000)}` })], i ? BigInt(i - 1) : 'none')
const used = () => { gc(); const m = process.memoryUsage(); return m.heapUsed + m.external }
const before = used()
let most = 0
n = 0
for await (const m of store.subscribe(last, new AbortController().signal)) {
  if (m.kind === 'caughtUp') break
  n++
  if (n % 10 !== 5) continue
  await new Promise((r) => setTimeout(r, 300))
  most = Math.max(most, used() - before)
}
console.log('memory', n, most / 1e6)
await store.close()
child.kill()
