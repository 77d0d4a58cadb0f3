/** The fixture as a process of its own, to be killed: `run-server.ts [port] [file]`. Prints one line when it is ready. */
import { startEventStoreDbFixture } from './server.ts'

const [port = '0', file] = process.argv.slice(2)
const server = await startEventStoreDbFixture({ port: Number(port), ...(file === undefined ? {} : { file }) })
process.stdout.write(`EventStoreDB fixture is ready at ${server.connectionString}\n`)
process.on('SIGTERM', () => void server.stop())
