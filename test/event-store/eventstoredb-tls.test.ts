import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openEventStoreDbEventStore } from '../../src/event-store/eventstoredb.ts'
import { StoreUnavailable } from '../../src/event-store/port.ts'
import { type Authority, canMakeCertificates, makeAuthority } from './eventstoredb/certificates.ts'
import { type FixtureOptions, startEventStoreDbFixture } from './eventstoredb/server.ts'
import { errorOf, newEvents, newStream, readAll, Subscriber, silent, until } from './helpers.ts'

describe.skipIf(!canMakeCertificates)('EventStoreDB with TLS and users, as production has it', () => {
  let ours: Authority
  let foreign: Authority
  beforeAll(() => {
    ours = makeAuthority()
    foreign = makeAuthority()
  })
  afterAll(() => {
    ours.remove()
    foreign.remove()
  })

  const users = { strongroom: 'p@ss:w0rd' }
  const CREDENTIALS = 'strongroom:p%40ss%3Aw0rd@'

  const startSecured = async (options: FixtureOptions = {}) => {
    const fixture = await startEventStoreDbFixture({ tls: ours.issue(['IP:127.0.0.1']), users, ...options })
    onTestFinished(() => fixture.stop())
    return fixture
  }
  const open = async (connectionString: string) => {
    const store = await openEventStoreDbEventStore({ connectionString, log: silent })
    onTestFinished(() => store.close())
    return store
  }
  const trusting = ({ caFile }: Authority) => `tls=true&tlsCAFile=${encodeURIComponent(caFile)}`

  for (const scheme of ['esdb', 'esdb+discover']) {
    describe(`${scheme}://`, () => {
      it('appends, reads and subscribes under the user and the CA of the connection string', async () => {
        const { port } = await startSecured()
        const store = await open(`${scheme}://${CREDENTIALS}127.0.0.1:${port}?${trusting(ours)}`)
        const stream = newStream()
        const events = newEvents(3)
        await store.append(stream, events, 'none')
        expect((await readAll(store, stream)).map(({ id }) => id)).toEqual(events.map(({ id }) => id))
        const subscriber = new Subscriber(store, 'start')
        await subscriber.untilCaughtUp()
        await subscriber.stop()
        expect(subscriber.seen).toHaveLength(3)
      })

      it.each([
        ['another password', 'strongroom:hunter2@', /has a user name and password that the server does not accept$/],
        [
          'a user who does not exist',
          'nobody:hunter2@',
          /has a user name and password that the server does not accept$/,
        ],
        ['no user', '', /has no user, or one who may not read, and the server refuses that$/],
      ])('with %s says so in one sentence, without the password', async (_, user, sentence) => {
        const { port } = await startSecured()
        const error = await errorOf(open(`${scheme}://${user}127.0.0.1:${port}?${trusting(ours)}`))
        expect(error).toMatchObject({ name: 'InvalidConnectionString', message: expect.stringMatching(sentence) })
        expect(String(error)).not.toContain('hunter2')
      })

      it('with the CA of somebody else, or none, says that the certificate is not trusted', async () => {
        const { port } = await startSecured()
        for (const query of [trusting(foreign), 'tls=true']) {
          const error = await errorOf(open(`${scheme}://${CREDENTIALS}127.0.0.1:${port}?${query}`))
          expect(error).toMatchObject({
            name: 'InvalidConnectionString',
            message: expect.stringMatching(/certificate is not trusted \(unable to verify the first certificate\)/),
          })
        }
      })

      it('with a certificate of another host says so', async () => {
        const { port } = await startSecured({ tls: ours.issue(['DNS:elsewhere.example']) })
        const error = await errorOf(open(`${scheme}://${CREDENTIALS}127.0.0.1:${port}?${trusting(ours)}`))
        expect(String(error)).toMatch(/certificate is not trusted \(does not match certificate's altnames\)/)
      })

      it('with tls=true to a server without TLS says so, and the other way round it is away', async () => {
        const plain = await startEventStoreDbFixture()
        onTestFinished(() => plain.stop())
        const error = await errorOf(open(`${scheme}://127.0.0.1:${plain.port}?tls=true`))
        expect(String(error)).toMatch(/has tls=true, and the server does not speak TLS$/)
        const secured = await startSecured()
        expect(await errorOf(open(`${scheme}://127.0.0.1:${secured.port}?tls=false`))).toBeInstanceOf(StoreUnavailable)
      })
    })
  }

  it('a cluster is found by whichever of its nodes answers, and the leader is the one that is talked to', async () => {
    const [follower, leader, gone] = [await startSecured(), await startSecured(), await startEventStoreDbFixture()]
    await gone.stop()
    follower.follow(leader.port)
    const nodes = `127.0.0.1:${gone.port},127.0.0.1:${follower.port}`
    const store = await open(`esdb+discover://${CREDENTIALS}${nodes}?${trusting(ours)}`)
    await store.append(newStream(), newEvents(2), 'none')
    expect([follower.log.all.length, leader.log.all.length]).toEqual([0, 2])
  })

  it('the client goes over to the next leader by itself when the one there was goes away', async () => {
    const [first, second] = [await startSecured(), await startSecured()]
    second.follow(first.port)
    const nodes = `127.0.0.1:${first.port},127.0.0.1:${second.port}`
    const store = await open(`esdb+discover://${CREDENTIALS}${nodes}?${trusting(ours)}`)
    await store.append(newStream(), newEvents(1), 'none')
    await first.wire.goAway()
    second.follow(second.port)
    const [stream, events] = [newStream(), newEvents(2)]
    await until(
      () =>
        store.append(stream, events, 'none').then(
          () => true,
          (error) => {
            if (error instanceof StoreUnavailable) return false
            throw error
          },
        ),
      'the append passed',
    )
    expect([first.log.all.length, second.log.all.length]).toEqual([1, 2])
  })
})
