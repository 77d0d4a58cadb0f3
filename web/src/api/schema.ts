// Made from the OpenAPI document by `npm run client -w web`. Do not edit.

export interface paths {
    readonly "/v1/auth/email-changes/confirm": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Confirm an e-mail change with the link that was mailed
         * @description Signs nobody in. In whatever order the two links come, the address is changed by the second.
         */
        readonly post: operations["post_auth_email_changes_confirm"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/auth/login": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Sign in with e-mail address and password */
        readonly post: operations["post_auth_login"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/auth/logout": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Sign out */
        readonly post: operations["post_auth_logout"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/auth/not-me": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * The page that the link in a notice opens
         * @description It says what will happen and has a button that sends the POST. Opening it changes nothing, for programs open links in mail too; it is the same page for every token.
         */
        readonly get: operations["get_auth_not_me"];
        readonly put?: never;
        /**
         * Say that what the notice tells of was somebody else
         * @description Ends every session, shuts sign-in by password until it is reset, and mails a link for that to the owner.
         */
        readonly post: operations["post_auth_not_me"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/auth/not-me/page.js": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The script of that page */
        readonly get: operations["get_auth_not_me_page_js"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/auth/password-resets": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Ask for a link that sets a new password
         * @description The answer is the same, after the same time, whether the address is known or not; nor does it tell that no more mail is sent this hour.
         */
        readonly post: operations["post_auth_password_resets"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/auth/password-resets/confirm": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Set a new password with the link that was mailed
         * @description Signs nobody in, ends every session and opens the lock. A second factor stays as it is.
         */
        readonly post: operations["post_auth_password_resets_confirm"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/auth/reauthenticate": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Confirm that it is me
         * @description With the password; where the second factor is on, with a code of the app instead. A backup code never opens the window. Wrong guesses end the session.
         */
        readonly post: operations["post_auth_reauthenticate"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/auth/register": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Register an account
         * @description Signs nobody in. Closed by default in production: open registration reveals which addresses are taken.
         */
        readonly post: operations["post_auth_register"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/auth/two-factor": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** The second step of signing in */
        readonly post: operations["post_auth_two_factor"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The signed-in user and the session */
        readonly get: operations["get_me"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/audit-events": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** My audit log, newest first */
        readonly get: operations["get_me_audit_events"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/audit-events/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** One line of my audit log */
        readonly get: operations["get_me_audit_events_id"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/email": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Ask for another e-mail address
         * @description Both addresses get a mail with a link; the change happens when both links were used. The answer does not tell whether the new address belongs to another account.
         */
        readonly post: operations["post_me_email"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/password": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        /**
         * Change my password
         * @description Ends all other sessions (unless asked to keep them) and gives this one a new token.
         */
        readonly put: operations["put_me_password"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/preferences": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * My preferences
         * @description Until they are set: {"language":"en","timeZone":"UTC","dateFormat":"YYYY-MM-DD","relativeTime":true,"decimalSeparator":".","precision":2,"itemsPerPage":50,"showTestData":false}
         */
        readonly get: operations["get_me_preferences"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        /**
         * Change my preferences
         * @description As for the profile; null brings the default back.
         */
        readonly patch: operations["patch_me_preferences"];
        readonly trace?: never;
    };
    readonly "/v1/me/profile": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** My profile */
        readonly get: operations["get_me_profile"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        /**
         * Change my profile
         * @description Only the fields that are sent change; null takes one back. A change to what is so already is none, and leaves the version as it is.
         */
        readonly patch: operations["patch_me_profile"];
        readonly trace?: never;
    };
    readonly "/v1/me/security": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The state of my account at a glance */
        readonly get: operations["get_me_security"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/sessions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * My sessions
         * @description Active ones come whole, the current one first, then by last access. Ended ones are paged, the last to end first.
         */
        readonly get: operations["get_me_sessions"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/sessions/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** One of my sessions and its history */
        readonly get: operations["get_me_sessions_id"];
        readonly put?: never;
        readonly post?: never;
        /**
         * Revoke one of my sessions
         * @description The current one is ended by signing out. Revoking one that has ended already does nothing.
         */
        readonly delete: operations["delete_me_sessions_id"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/sessions/revoke-others": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Revoke all my sessions but the current one */
        readonly post: operations["post_me_sessions_revoke_others"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/two-factor": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Is the second factor on, and which backup codes are used? */
        readonly get: operations["get_me_two_factor"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/two-factor/backup-codes": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Make new backup codes
         * @description The old list is dead. The new codes are shown here only.
         */
        readonly post: operations["post_me_two_factor_backup_codes"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/two-factor/disable": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Turn the second factor off
         * @description Needs the password and a code, of the app or a backup code. Ends all other sessions.
         */
        readonly post: operations["post_me_two_factor_disable"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/two-factor/enrollments": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Begin to set up the second factor
         * @description Asks nobody for a code before it is verified. A newer enrolment takes the place of this one.
         */
        readonly post: operations["post_me_two_factor_enrollments"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/two-factor/enrollments/{id}/qr.png": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The QR code to scan, as PNG */
        readonly get: operations["get_me_two_factor_enrollments_id_qr_png"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/two-factor/enrollments/{id}/qr.svg": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** The QR code to scan, as SVG */
        readonly get: operations["get_me_two_factor_enrollments_id_qr_svg"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/me/two-factor/enrollments/{id}/verify": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Turn the second factor on
         * @description Ends all other sessions and gives this one a new token. The backup codes are shown here only.
         */
        readonly post: operations["post_me_two_factor_enrollments_id_verify"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/v1/password-policy": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** What a new password has to be */
        readonly get: operations["get_password_policy"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Problem details (RFC 9457). */
        readonly Problem: {
            /** @enum {string} */
            readonly code: "invalid-request" | "unauthenticated" | "session-expired" | "session-ended" | "invalid-credentials" | "code-invalid" | "challenge-expired" | "forbidden-origin" | "insufficient-scope" | "reauthentication-required" | "registration-closed" | "not-found" | "method-not-allowed" | "request-timeout" | "conflict" | "already-done" | "email-taken" | "two-factor-already-enabled" | "two-factor-not-enabled" | "current-session" | "legal-hold" | "token-invalid" | "enrollment-expired" | "precondition-failed" | "content-too-large" | "unsupported-media-type" | "idempotency-mismatch" | "password-too-short" | "password-blocklisted" | "password-reused" | "password-context" | "password-composition" | "precondition-required" | "login-throttled" | "too-many-requests" | "headers-too-large" | "internal-error" | "store-unavailable" | "projection-behind" | "projection-halted" | "overloaded";
            readonly detail: string;
            readonly errors?: readonly {
                readonly code: string;
                readonly detail: string;
                /** @description `#/email` is in the body, `#/query/limit` a query parameter, `#/header/If-Match` a header. */
                readonly pointer: string;
            }[];
            /**
             * Format: uuid
             * @description Names the request in our log; also in X-Request-Id.
             */
            readonly requestId: string;
            readonly status: number;
            readonly title: string;
            /** @description `/problems/<code>`: a page about this code. */
            readonly type: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readonly post_auth_email_changes_confirm: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** @description From the link in the mail */
                    readonly token: string;
                };
            };
        };
        readonly responses: {
            /** @description Confirmed */
            readonly 204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly post_auth_login: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly email: string;
                    readonly password: string;
                };
            };
        };
        readonly responses: {
            /** @description Signed in, with the cookie `__Host-session`; or a second factor is asked for, with the cookie `__Host-challenge` */
            readonly 200: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly session: {
                            /** Format: uuid */
                            readonly id: string;
                        };
                        /** @enum {string} */
                        readonly status: "authenticated";
                    } | {
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        readonly expiresAt: string;
                        readonly methods: readonly ("totp" | "backup_code")[];
                        /** @enum {string} */
                        readonly status: "two_factor_required";
                    };
                };
            };
        };
    };
    readonly post_auth_logout: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Signed out; the session is dead */
            readonly 204: {
                headers: {
                    /** @description Forget everything */
                    readonly "Clear-Site-Data"?: string;
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly get_auth_not_me: {
        readonly parameters: {
            readonly query: {
                /** @description From the link in the mail */
                readonly token: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "text/html": unknown;
                };
            };
        };
    };
    readonly post_auth_not_me: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** @description From the link in the mail */
                    readonly token: string;
                };
            };
        };
        readonly responses: {
            /** @description Done */
            readonly 204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly get_auth_not_me_page_js: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A script */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "text/javascript": unknown;
                };
            };
        };
    };
    readonly post_auth_password_resets: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly email: string;
                };
            };
        };
        readonly responses: {
            /** @description If the address belongs to an account, a mail is on its way to it */
            readonly 202: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly post_auth_password_resets_confirm: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly newPassword: string;
                    /** @description From the link in the mail */
                    readonly token: string;
                };
            };
        };
        readonly responses: {
            /** @description The password is set; sign in with it */
            readonly 204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly post_auth_reauthenticate: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly password: string;
                } | {
                    /** @description Six digits of the authenticator app, or a backup code */
                    readonly code: string | number;
                    /** @enum {string} */
                    readonly method: "totp" | "backup_code";
                };
            };
        };
        readonly responses: {
            /** @description Confirmed; the cookie `__Host-session` is new */
            readonly 204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly post_auth_register: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** Format: email */
                    readonly email: string;
                    readonly name?: string;
                    readonly password: string;
                };
            };
        };
        readonly responses: {
            /** @description Registered */
            readonly 201: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly user: {
                            readonly email: string;
                            /** Format: uuid */
                            readonly id: string;
                            readonly name: string | null;
                        };
                    };
                };
            };
        };
    };
    readonly post_auth_two_factor: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** @description Six digits of the authenticator app, or a backup code */
                    readonly code: string | number;
                    /** @enum {string} */
                    readonly method: "totp" | "backup_code";
                };
            };
        };
        readonly responses: {
            /** @description Signed in; the cookie `__Host-session` is set */
            readonly 200: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly session: {
                            /** Format: uuid */
                            readonly id: string;
                        };
                        /** @enum {string} */
                        readonly status: "authenticated";
                    };
                };
            };
        };
    };
    readonly get_me: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description User and session */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly session: {
                            /**
                             * Format: date-time
                             * @description When the session ends even if it is in use
                             */
                            readonly expiresAt: string;
                            readonly hash: string;
                            /** Format: uuid */
                            readonly id: string;
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            readonly signedInAt: string;
                            /**
                             * Format: date-time
                             * @description Until when sensitive commands pass without proving again who I am
                             */
                            readonly sudoUntil: string;
                        };
                        readonly user: {
                            readonly email: string;
                            /** Format: uuid */
                            readonly id: string;
                            readonly name: string | null;
                        };
                    };
                };
            };
        };
    };
    readonly get_me_audit_events: {
        readonly parameters: {
            readonly query?: {
                readonly code?: readonly ("user:registered" | "user:logged_in" | "user:logged_out" | "user:login_failed" | "user:locked" | "user:unlocked" | "user:reauthenticated" | "user:reauthentication_failed" | "user:compromise_reported" | "user:erased" | "user.password:reset_requested" | "user.password:changed" | "user.password:change_failed" | "user.password:rehashed" | "user.profile:updated" | "user.preferences:updated" | "user.email:change_requested" | "user.email:change_failed" | "user.email:change_confirmed" | "user.email:changed" | "user.2fa:enrollment_started" | "user.2fa:enrollment_failed" | "user.2fa:enabled" | "user.2fa:disabled" | "user.2fa:disable_failed" | "user.2fa:backup_codes_generated" | "user.2fa:backup_code_used" | "user.session:revoked" | "user.session:others_revoked" | "user.session:ended" | "user.session:expired")[];
                readonly country?: string;
                /** @description `nextCursor` of the page before */
                readonly cursor?: string;
                readonly device?: "desktop" | "mobile" | "tablet" | "bot" | "other";
                /** @description Not before */
                readonly from?: string;
                readonly ip?: string;
                /** @description Items a page */
                readonly limit?: number;
                readonly outcome?: "success" | "failure";
                /** @description Id or hash of a session */
                readonly session?: string;
                /** @description Before */
                readonly to?: string;
            };
            readonly header?: {
                /** @description From a command: wait until its effect is visible. */
                readonly "Consistency-Token"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly items: readonly {
                            readonly actor: {
                                readonly id: string | null;
                                /** @enum {string} */
                                readonly kind: "user" | "anonymous" | "operator" | "system";
                            };
                            readonly browser: {
                                readonly name: string | null;
                                readonly version: string | null;
                            } | null;
                            readonly code: string;
                            /** @description What happened, by the event's type */
                            readonly data: {
                                readonly [key: string]: unknown;
                            };
                            readonly device: {
                                /** @enum {string} */
                                readonly type: "desktop" | "mobile" | "tablet" | "bot" | "other";
                            } | null;
                            readonly fingerprint: null;
                            /** Format: uuid */
                            readonly id: string;
                            readonly ip: string | null;
                            readonly location: {
                                readonly city: string | null;
                                /** @description ISO 3166-1 alpha-2 */
                                readonly country: string;
                                readonly region: string | null;
                            } | null;
                            readonly message: string;
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            readonly occurredAt: string;
                            readonly os: {
                                readonly name: string | null;
                                readonly version: string | null;
                            } | null;
                            /** @enum {string} */
                            readonly outcome: "success" | "failure";
                            readonly sequence: number;
                            readonly sessionHash: string | null;
                            /** Format: uuid */
                            readonly sessionId: string | null;
                            readonly userAgent: string | null;
                        }[];
                        readonly nextCursor: string | null;
                    };
                };
            };
        };
    };
    readonly get_me_audit_events_id: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description From a command: wait until its effect is visible. */
                readonly "Consistency-Token"?: string;
            };
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The event */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly actor: {
                            readonly id: string | null;
                            /** @enum {string} */
                            readonly kind: "user" | "anonymous" | "operator" | "system";
                        };
                        readonly browser: {
                            readonly name: string | null;
                            readonly version: string | null;
                        } | null;
                        readonly code: string;
                        /** @description What happened, by the event's type */
                        readonly data: {
                            readonly [key: string]: unknown;
                        };
                        readonly device: {
                            /** @enum {string} */
                            readonly type: "desktop" | "mobile" | "tablet" | "bot" | "other";
                        } | null;
                        readonly fingerprint: null;
                        /** Format: uuid */
                        readonly id: string;
                        readonly ip: string | null;
                        readonly location: {
                            readonly city: string | null;
                            /** @description ISO 3166-1 alpha-2 */
                            readonly country: string;
                            readonly region: string | null;
                        } | null;
                        readonly message: string;
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        readonly occurredAt: string;
                        readonly os: {
                            readonly name: string | null;
                            readonly version: string | null;
                        } | null;
                        /** @enum {string} */
                        readonly outcome: "success" | "failure";
                        readonly sequence: number;
                        readonly sessionHash: string | null;
                        /** Format: uuid */
                        readonly sessionId: string | null;
                        readonly userAgent: string | null;
                    };
                };
            };
        };
    };
    readonly post_me_email: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                readonly "Idempotency-Key"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** Format: email */
                    readonly newEmail: string;
                    readonly password: string;
                };
            };
        };
        readonly responses: {
            /** @description Both addresses are told */
            readonly 202: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly put_me_password: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                readonly "Idempotency-Key"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly currentPassword: string;
                    /** @default false */
                    readonly keepOtherSessions?: boolean;
                    readonly newPassword: string;
                };
            };
        };
        readonly responses: {
            /** @description Changed; the cookie `__Host-session` is new */
            readonly 204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly get_me_preferences: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Preferences */
            readonly 200: {
                headers: {
                    /** @description The version. Bring it as If-Match with a change. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        /** @enum {string} */
                        readonly dateFormat: "YYYY-MM-DD" | "DD.MM.YYYY" | "DD/MM/YYYY" | "MM/DD/YYYY";
                        /** @enum {string} */
                        readonly decimalSeparator: "." | ",";
                        readonly itemsPerPage: number;
                        readonly language: string;
                        readonly precision: number;
                        readonly relativeTime: boolean;
                        readonly showTestData: boolean;
                        readonly timeZone: string;
                    };
                };
            };
        };
    };
    readonly patch_me_preferences: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                readonly "Idempotency-Key"?: string;
                /** @description The ETag of the read this change is based on; `*` for whatever is there. */
                readonly "If-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** @enum {string|null} */
                    readonly dateFormat?: "YYYY-MM-DD" | "DD.MM.YYYY" | "DD/MM/YYYY" | "MM/DD/YYYY" | null;
                    /** @enum {string|null} */
                    readonly decimalSeparator?: "." | "," | null;
                    readonly itemsPerPage?: number | null;
                    readonly language?: string | null;
                    readonly precision?: number | null;
                    readonly relativeTime?: boolean | null;
                    readonly showTestData?: boolean | null;
                    readonly timeZone?: string | null;
                };
            };
        };
        readonly responses: {
            /** @description As they are now */
            readonly 200: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    /** @description The version. Bring it as If-Match with a change. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        /** @enum {string} */
                        readonly dateFormat: "YYYY-MM-DD" | "DD.MM.YYYY" | "DD/MM/YYYY" | "MM/DD/YYYY";
                        /** @enum {string} */
                        readonly decimalSeparator: "." | ",";
                        readonly itemsPerPage: number;
                        readonly language: string;
                        readonly precision: number;
                        readonly relativeTime: boolean;
                        readonly showTestData: boolean;
                        readonly timeZone: string;
                    };
                };
            };
        };
    };
    readonly get_me_profile: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Profile */
            readonly 200: {
                headers: {
                    /** @description The version. Bring it as If-Match with a change. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly avatarUrl: string | null;
                        readonly name: string | null;
                        readonly phone: string | null;
                        readonly website: string | null;
                    };
                };
            };
        };
    };
    readonly patch_me_profile: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                readonly "Idempotency-Key"?: string;
                /** @description The ETag of the read this change is based on; `*` for whatever is there. */
                readonly "If-Match"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    readonly avatarUrl?: string | null;
                    readonly name?: string | null;
                    readonly phone?: string | null;
                    readonly website?: string | null;
                };
            };
        };
        readonly responses: {
            /** @description As it is now */
            readonly 200: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    /** @description The version. Bring it as If-Match with a change. */
                    readonly ETag?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly avatarUrl: string | null;
                        readonly name: string | null;
                        readonly phone: string | null;
                        readonly website: string | null;
                    };
                };
            };
        };
    };
    readonly get_me_security: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Password, second factor, sessions */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly activeSessions: number;
                        readonly lastLogin: {
                            readonly browser: {
                                readonly name: string | null;
                                readonly version: string | null;
                            };
                            readonly device: {
                                /** @enum {string} */
                                readonly type: "desktop" | "mobile" | "tablet" | "bot" | "other";
                            };
                            readonly ip: string | null;
                            readonly location: {
                                readonly city: string | null;
                                /** @description ISO 3166-1 alpha-2 */
                                readonly country: string;
                                readonly region: string | null;
                            } | null;
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            readonly occurredAt: string;
                            readonly os: {
                                readonly name: string | null;
                                readonly version: string | null;
                            };
                            /** Format: uuid */
                            readonly sessionId: string;
                        } | null;
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        readonly passwordChangedAt: string;
                        readonly twoFactor: {
                            readonly backupCodesRemaining: number;
                            readonly enabled: boolean;
                        };
                        /** @description Three backup codes or fewer are left: make new ones */
                        readonly warnings: readonly "backup-codes-low"[];
                    };
                };
            };
        };
    };
    readonly get_me_sessions: {
        readonly parameters: {
            readonly query?: {
                /** @description `nextCursor` of the page before */
                readonly cursor?: string;
                /** @description Items a page */
                readonly limit?: number;
                readonly state?: "active" | "ended" | "all";
            };
            readonly header?: {
                /** @description From a command: wait until its effect is visible. */
                readonly "Consistency-Token"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly items: readonly {
                            readonly browser: {
                                readonly name: string | null;
                                readonly version: string | null;
                            };
                            readonly current: boolean;
                            readonly device: {
                                /** @enum {string} */
                                readonly type: "desktop" | "mobile" | "tablet" | "bot" | "other";
                            };
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            readonly endedAt: string | null;
                            /** @enum {string|null} */
                            readonly endedReason: "logged_out" | "revoked" | "expired" | "password_changed" | "two_factor_changed" | "password_reset" | "limit" | "guessing" | "erased" | null;
                            readonly hash: string;
                            /** Format: uuid */
                            readonly id: string;
                            readonly ip: string | null;
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            readonly lastAccessedAt: string;
                            readonly location: {
                                readonly city: string | null;
                                /** @description ISO 3166-1 alpha-2 */
                                readonly country: string;
                                readonly region: string | null;
                            } | null;
                            readonly os: {
                                readonly name: string | null;
                                readonly version: string | null;
                            };
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            readonly signedInAt: string;
                            /** @enum {string} */
                            readonly status: "active" | "ended";
                        }[];
                        readonly nextCursor: string | null;
                    };
                };
            };
        };
    };
    readonly get_me_sessions_id: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description From a command: wait until its effect is visible. */
                readonly "Consistency-Token"?: string;
            };
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The session; its events, newest first */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly browser: {
                            readonly name: string | null;
                            readonly version: string | null;
                        };
                        readonly current: boolean;
                        readonly device: {
                            /** @enum {string} */
                            readonly type: "desktop" | "mobile" | "tablet" | "bot" | "other";
                        };
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        readonly endedAt: string | null;
                        /** @enum {string|null} */
                        readonly endedReason: "logged_out" | "revoked" | "expired" | "password_changed" | "two_factor_changed" | "password_reset" | "limit" | "guessing" | "erased" | null;
                        readonly events: readonly {
                            readonly actor: {
                                readonly id: string | null;
                                /** @enum {string} */
                                readonly kind: "user" | "anonymous" | "operator" | "system";
                            };
                            readonly browser: {
                                readonly name: string | null;
                                readonly version: string | null;
                            } | null;
                            readonly code: string;
                            /** @description What happened, by the event's type */
                            readonly data: {
                                readonly [key: string]: unknown;
                            };
                            readonly device: {
                                /** @enum {string} */
                                readonly type: "desktop" | "mobile" | "tablet" | "bot" | "other";
                            } | null;
                            readonly fingerprint: null;
                            /** Format: uuid */
                            readonly id: string;
                            readonly ip: string | null;
                            readonly location: {
                                readonly city: string | null;
                                /** @description ISO 3166-1 alpha-2 */
                                readonly country: string;
                                readonly region: string | null;
                            } | null;
                            readonly message: string;
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            readonly occurredAt: string;
                            readonly os: {
                                readonly name: string | null;
                                readonly version: string | null;
                            } | null;
                            /** @enum {string} */
                            readonly outcome: "success" | "failure";
                            readonly sequence: number;
                            readonly sessionHash: string | null;
                            /** Format: uuid */
                            readonly sessionId: string | null;
                            readonly userAgent: string | null;
                        }[];
                        readonly hash: string;
                        /** Format: uuid */
                        readonly id: string;
                        readonly ip: string | null;
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        readonly lastAccessedAt: string;
                        readonly location: {
                            readonly city: string | null;
                            /** @description ISO 3166-1 alpha-2 */
                            readonly country: string;
                            readonly region: string | null;
                        } | null;
                        readonly os: {
                            readonly name: string | null;
                            readonly version: string | null;
                        };
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        readonly signedInAt: string;
                        /** @enum {string} */
                        readonly status: "active" | "ended";
                        readonly userAgent: string | null;
                    };
                };
            };
        };
    };
    readonly delete_me_sessions_id: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                readonly "Idempotency-Key"?: string;
            };
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Revoked: its next request is refused */
            readonly 204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly post_me_sessions_revoke_others: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                readonly "Idempotency-Key"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description How many were revoked */
            readonly 200: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly revoked: number;
                    };
                };
            };
        };
    };
    readonly get_me_two_factor: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The second factor */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly backupCodes: {
                            readonly codes: readonly {
                                readonly index: number;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, UTC, milliseconds
                                 */
                                readonly usedAt: string | null;
                            }[];
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            readonly generatedAt: string | null;
                            readonly remaining: number;
                            readonly total: number;
                        };
                        readonly enabled: boolean;
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        readonly enabledAt: string | null;
                    };
                };
            };
        };
    };
    readonly post_me_two_factor_backup_codes: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                readonly "Idempotency-Key"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The new list */
            readonly 201: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly backupCodes: readonly string[];
                    };
                };
            };
        };
    };
    readonly post_me_two_factor_disable: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                readonly "Idempotency-Key"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** @description Six digits of the authenticator app, or a backup code */
                    readonly code: string | number;
                    /** @enum {string} */
                    readonly method: "totp" | "backup_code";
                    readonly password: string;
                };
            };
        };
        readonly responses: {
            /** @description Off; the cookie `__Host-session` is new */
            readonly 204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    readonly post_me_two_factor_enrollments: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                readonly "Idempotency-Key"?: string;
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The secret, shown here only */
            readonly 201: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        readonly expiresAt: string;
                        /** Format: uuid */
                        readonly id: string;
                        readonly otpauthUri: string;
                        readonly qrCode: {
                            readonly png: string;
                            readonly svg: string;
                        };
                        /** @description Base32, to be typed into the app by hand */
                        readonly secret: string;
                    };
                };
            };
        };
    };
    readonly get_me_two_factor_enrollments_id_qr_png: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The picture */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "image/png": unknown;
                };
            };
        };
    };
    readonly get_me_two_factor_enrollments_id_qr_svg: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The picture */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "image/svg+xml": unknown;
                };
            };
        };
    };
    readonly post_me_two_factor_enrollments_id_verify: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                readonly "Idempotency-Key"?: string;
            };
            readonly path: {
                readonly id: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** @description Six digits of the authenticator app, or a backup code */
                    readonly code: string | number;
                };
            };
        };
        readonly responses: {
            /** @description On */
            readonly 200: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    readonly "Consistency-Token"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly backupCodes: readonly string[];
                    };
                };
            };
        };
    };
    readonly get_password_policy: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The policy */
            readonly 200: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": {
                        readonly blocklist: {
                            readonly commonPasswords: number;
                            readonly contextWords: readonly string[];
                            readonly patterns: readonly string[];
                        };
                        readonly composition: readonly ("letter" | "digit")[];
                        readonly history: number;
                        readonly maxLength: number;
                        readonly minLength: number;
                        /** @enum {string} */
                        readonly policy: "default" | "nist" | "pci";
                    };
                };
            };
        };
    };
}
