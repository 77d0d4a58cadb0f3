import type { AuthResults } from './endpoint.ts'
import type { Problems } from './problem-codes.ts'
import type { RequestInfo } from './request-info.ts'

/** One way of authenticating, injected into the app under the name endpoints call it by. */
export interface Authenticator<Result> {
  /** Throws a Problem for whom it does not let in. */
  readonly authenticate: (request: RequestInfo, scopes: readonly string[]) => Promise<Result>
  /**
   * `ambient`: browsers send the credential by themselves (a cookie), so unsafe requests must prove their origin.
   * `explicit`: only a program that holds it can send it (Authorization), so no page can borrow it.
   */
  readonly credential: 'ambient' | 'explicit'
  /** The OpenAPI security scheme object. */
  readonly scheme: SecurityScheme
  /** What `authenticate` can answer when it refuses. */
  readonly problems: Problems
}

export type SecurityScheme =
  | { readonly type: 'apiKey'; readonly in: 'cookie'; readonly name: string; readonly description?: string }
  | { readonly type: 'http'; readonly scheme: 'bearer'; readonly description?: string }

export type Authenticators<Auth extends AuthResults> = { readonly [Way in keyof Auth]: Authenticator<Auth[Way]> }

/** Whether unsafe requests to an endpoint of this way have to prove their origin: log-in (`none`) has to as well. */
export function mustProveOrigin<Auth extends AuthResults>(
  authenticators: Authenticators<Auth>,
  way: keyof Auth | 'none',
): boolean {
  return way === 'none' || authenticators[way].credential === 'ambient'
}
