/** Figures for Prometheus. */
import { type Endpoint, endpointsFor } from '../endpoint.ts'

type NoWays = Readonly<Record<never, never>>
const endpoint = endpointsFor<NoWays>()

export const metricsEndpoints = (metrics: {
  readonly contentType: string
  text(): Promise<string>
}): readonly Endpoint<NoWays>[] => [
  endpoint({
    method: 'GET',
    path: '/metrics',
    summary: 'Figures for Prometheus',
    description: 'Open, as the health checks are: keep it from the world in front of the server where that matters.',
    tag: 'Operation',
    auth: 'none',
    responses: { 200: { description: 'In its text format', mediaTypes: ['text/plain'] } },
    async handler() {
      return { status: 200, content: { type: metrics.contentType, data: await metrics.text() } }
    },
  }),
]
