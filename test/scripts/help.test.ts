/** `--help` of every script, and of every command that one has: what it does, and what its exit codes mean. */
import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { runProjectionsCommand } from '../../scripts/projections/command.ts'
import { runTokenCommand } from '../../scripts/token/command.ts'
import { runUserCommand } from '../../scripts/user/command.ts'
import { type Ran, runScript } from '../support/script.ts'

/** Each run starts Node and translates the sources. */
const SLOW = 300_000

const scripts = readdirSync(new URL('../../scripts', import.meta.url))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -'.ts'.length))

interface Written {
  readonly out: (text: string) => void
  readonly complain: (text: string) => void
}

const nothing = () => Promise.reject(new Error('help opens nothing'))
const unasked = { onProgress: () => {}, interrupted: new AbortController().signal, operatorId: 'x' }

/** Those of many commands, without a process for each. */
const inThisProcess: Readonly<Record<string, (args: readonly string[], written: Written) => Promise<number>>> = {
  projections: (args, written) => runProjectionsCommand(args, { withWorkshop: nothing, ...unasked, ...written }),
  token: (args, written) => runTokenCommand(args, { withTokens: nothing, ...written }),
  user: (args, written) => runUserCommand(args, { withServices: nothing, ...unasked, ...written }),
}

/** As the help lists them. `help` is commander's own. */
const commandsIn = (help: string): readonly string[] => {
  const [, list = ''] = help.split('\nCommands:\n')
  const listed = list.split(/\n\n/)[0] ?? ''
  return [...listed.matchAll(/^ {2}([a-z][\w-]*)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help')
}

const expectHelp = (name: string, { code, out, errors }: Ran): readonly string[] => {
  expect({ name, code, errors }).toEqual({ name, code: 0, errors: '' })
  expect(out, name).toMatch(/^Usage: /)
  expect(out, name).toMatch(/\nExit codes: 0 /)
  return commandsIn(out)
}

it('tells what the exit codes mean, of scripts and of their commands', { timeout: SLOW }, async () => {
  const helpOf = async (...words: readonly [string, ...string[]]) => {
    const [script, ...command] = words
    return expectHelp(words.join(' '), await runScript(script, [...command, '--help'], {}))
  }
  // Two at a time: one only waits for the other's disk.
  const waiting = [...scripts]
  const found = new Map<string, readonly string[]>()
  const work = async (): Promise<void> => {
    for (let script = waiting.shift(); script !== undefined; script = waiting.shift()) {
      const commands = await helpOf(script)
      found.set(script, commands)
      if (!(script in inThisProcess)) for (const command of commands) await helpOf(script, command)
    }
  }
  await Promise.all([work(), work()])
  expect(found.get('events')).toEqual(['check'])
  expect(found.get('projections')).toContain('verify')
  expect(found.get('replay')).toEqual([])
})

it.each(Object.entries(inThisProcess))('of each command of %s', async (script, run) => {
  const helpOf = async (...command: readonly string[]) => {
    const [out, errors]: [string[], string[]] = [[], []]
    const code = await run([...command, '--help'], {
      out: (text) => void out.push(text),
      complain: (text) => void errors.push(text),
    })
    return expectHelp([script, ...command].join(' '), { code, out: out.join(''), errors: errors.join('') })
  }
  const commands = await helpOf()
  expect(commands.length).toBeGreaterThan(2)
  for (const command of commands) await helpOf(command)
})
