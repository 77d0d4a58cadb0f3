/** The story cannot go on. The message is a sentence for whoever runs the demo. */
export class DemoFailed extends Error {
  override readonly name = 'DemoFailed'
}

export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  constructor() {
    super('Interrupted.')
  }
}
