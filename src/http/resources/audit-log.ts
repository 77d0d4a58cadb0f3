/** The tamper-evident log, for auditors: what is signed, with which key, and the proof that an event is in it. */
import { z } from 'zod'
import { isInAuditLog } from '../../queries/audit-events.ts'
import { Problem } from '../problem.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'

const common = { tag: 'Auditors', auth: 'token', scopes: ['audit:read'], method: 'GET' } as const
const PLAIN = 'text/plain; charset=utf-8'
const notYet = { 503: ['projection-behind'] } as const
const hashSchema = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/)
  .meta({ description: '32 bytes in base64' })

export const auditLogEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    ...common,
    path: '/v1/audit/log/checkpoint',
    summary: 'The last checkpoint of the log',
    description:
      'A signed note (C2SP tlog-checkpoint): origin, number of leaves, root. Keep it: whatever the log says later has to ' +
      'be consistent with it.',
    responses: { 200: { description: 'The note', mediaTypes: ['text/plain'] } },
    problems: notYet,
    handler: async () => plain(await api.log.checkpoint()),
  }),

  endpoint({
    ...common,
    path: '/v1/audit/log/key',
    summary: 'The key that checkpoints are verified with',
    description: 'A verifier key (C2SP signed-note). Get it once, by a way you trust more than this one, and keep it.',
    responses: { 200: { description: 'The key, in one line', mediaTypes: ['text/plain'] } },
    problems: notYet,
    handler: async () => plain(withNewline(await api.log.verifierKey())),
  }),

  endpoint({
    ...common,
    path: '/v1/audit/events/{id}/proof',
    summary: 'The proof that an event is in the log',
    description:
      'The leaf, its index, and the path from it to the root of the checkpoint (RFC 9162, section 2.1.3). An event of the ' +
      'last seconds may not be in a checkpoint yet: 503 `projection-behind`.',
    params: z.strictObject({ id: z.uuid().toLowerCase() }),
    responses: {
      200: {
        description: 'The proof',
        schema: z.strictObject({
          leafIndex: z.int().nonnegative(),
          treeSize: z.int().positive(),
          leafHash: hashSchema,
          proof: z.array(hashSchema),
          checkpoint: z.string().meta({ description: 'The signed note of the tree that the proof is for' }),
        }),
      },
    },
    problems: { ...notYet, 404: ['not-found'] },
    async handler({ params: { id } }) {
      const found = await api.log.proofOf(id)
      if (found.kind === 'unsigned') throw new Problem(503, 'projection-behind')
      if (found.kind === 'unknown') {
        // What an auditor has seen in the audit log is there, though the tamper-evident log may be a moment behind.
        throw (await isInAuditLog(api.db, id)) ? new Problem(503, 'projection-behind') : new Problem(404, 'not-found')
      }
      const { leafIndex, treeSize, leafHash, proof, checkpoint } = found
      const body = { leafIndex, treeSize, leafHash: base64(leafHash), proof: proof.map(base64), checkpoint }
      return { status: 200, body }
    },
  }),
]

const base64 = (bytes: Buffer): string => bytes.toString('base64')
const withNewline = (line: string | null): string | null => (line === null ? null : `${line}\n`)

const plain = (data: string | null) => {
  if (data === null) throw new Problem(503, 'projection-behind')
  return { status: 200, content: { type: PLAIN, data } } as const
}
