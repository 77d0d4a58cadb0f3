import { describe, expect, it } from 'vitest'
import type { CommandOf, FieldValues } from '../../src/account/commands.ts'
import { eventId, given, type PastEvent } from './given.ts'
import { by, erased, loggedIn, registered } from './stories.ts'

const past = [registered(), loggedIn(1)]
const kinds = [
  ['updateProfile', 'user.profile:updated', 'profile'],
  ['updatePreferences', 'user.preferences:updated', 'preferences'],
] as const

describe.each(kinds)('%s', (kind, type, part) => {
  const update = (
    basedOn: number,
    values: FieldValues = { phone: '+351 1', name: null },
  ): CommandOf<'updateProfile' | 'updatePreferences'> => ({ kind, by: by(1), version: eventId(basedOn), values })
  const updated = (...fields: readonly string[]): PastEvent => ({ type, data: { fields: [...fields] } })

  it('names the fields openly, in the order of the alphabet, and keeps the values in the personal box', () => {
    given(past)
      .when(update(0))
      .then([{ type, data: { fields: ['name', 'phone'] }, personal: { values: { phone: '+351 1', name: null } } }])
  })

  it('is first based on the registration, then on the change before it', () => {
    given([...past, updated('name')])
      .when(update(2, { name: 'Ada' }))
      .then([{ type, data: { fields: ['name'] }, personal: { values: { name: 'Ada' } } }])
  })

  it('is refused where it is based on a version that is no more, or never was', () => {
    given([...past, updated('name')])
      .when(update(0))
      .then({ code: 'version-stale' })
    given(past).when(update(1)).then({ code: 'version-stale' })
  })

  it('is not stale because of a change to the other of the two', () => {
    const other = kinds.find(([, each]) => each !== type)?.[1] ?? type
    const change = { type: other, data: { fields: ['name'] } } as PastEvent
    given([...past, change])
      .when(update(0, { name: 'Ada' }))
      .then([{ type, data: { fields: ['name'] }, personal: { values: { name: 'Ada' } } }])
  })

  it('is nothing where no value differs, but stale all the same', () => {
    given(past).when(update(0, {})).then([])
    given([...past, updated('name')])
      .when(update(0, {}))
      .then({ code: 'version-stale' })
  })

  it('leaves each field in the box of the event that set it last', () => {
    const { state } = given([...past, updated('name', 'phone'), updated('name')])
    expect(state[part].version).toBe(eventId(3))
    expect(state[part].values).toStrictEqual({
      name: { eventId: eventId(3), type, box: 'personal box of event 3' },
      phone: { eventId: eventId(2), type, box: 'personal box of event 2' },
    })
  })

  it('leaves nothing of an erased person', () => {
    const { state } = given([...past, updated('name'), erased])
    expect(state[part]).toStrictEqual({ version: '', values: {} })
  })
})
