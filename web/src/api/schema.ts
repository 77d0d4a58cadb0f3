// Made from the OpenAPI document by `npm run client -w web`. Do not edit.

export interface paths {
    "/v1/auth/email-changes/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm an e-mail change with the link that was mailed
         * @description Signs nobody in. In whatever order the two links come, the address is changed by the second.
         */
        post: operations["post_auth_email_changes_confirm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign in with e-mail address and password */
        post: operations["post_auth_login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign out */
        post: operations["post_auth_logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/not-me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The page that the link in a notice opens
         * @description It says what will happen and has a button that sends the POST. Opening it changes nothing, for programs open links in mail too; it is the same page for every token.
         */
        get: operations["get_auth_not_me"];
        put?: never;
        /**
         * Say that what the notice tells of was somebody else
         * @description Ends every session, shuts sign-in by password until it is reset, and mails a link for that to the owner.
         */
        post: operations["post_auth_not_me"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/not-me/page.js": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The script of that page */
        get: operations["get_auth_not_me_page_js"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/password-resets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for a link that sets a new password
         * @description The answer is the same, after the same time, whether the address is known or not; nor does it tell that no more mail is sent this hour.
         */
        post: operations["post_auth_password_resets"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/password-resets/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Set a new password with the link that was mailed
         * @description Signs nobody in, ends every session and opens the lock. A second factor stays as it is.
         */
        post: operations["post_auth_password_resets_confirm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/reauthenticate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm that it is me
         * @description With the password; where the second factor is on, with a code of the app instead. A backup code never opens the window. Wrong guesses end the session.
         */
        post: operations["post_auth_reauthenticate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Register an account
         * @description Signs nobody in. Closed by default in production: open registration reveals which addresses are taken.
         */
        post: operations["post_auth_register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/two-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The second step of signing in */
        post: operations["post_auth_two_factor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The signed-in user and the session */
        get: operations["get_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/archive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Everything held about me, as one file of JSON
         * @description Profile, preferences, security, sessions, every event with all that was recorded in it, accesses of auditors, and mails sent. Secrets are not in it: they are only held as hashes or sealed, and would help nobody but a thief.
         */
        get: operations["get_me_archive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/audit-events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** My audit log, newest first */
        get: operations["get_me_audit_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/audit-events/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One line of my audit log */
        get: operations["get_me_audit_events_id"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/audit-events/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * My audit log as a file, oldest first
         * @description Ends when the session ends.
         */
        get: operations["get_me_audit_events_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for another e-mail address
         * @description Both addresses get a mail with a link; the change happens when both links were used. The answer does not tell whether the new address belongs to another account. At most RESET_MAILS_PER_HOUR requests an hour.
         */
        post: operations["post_me_email"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What happens to my account, as it happens
         * @description Server-sent events: `audit-event` with a line of the audit log, `session-started` with the session, `session-ended` with its id, hash, reason and time. `id` is the sequence of the audit event; it comes with the audit event, which is the last of what one event leads to. Begins with what happens from now on, or after `Last-Event-ID`. Ends when the session ends, and does not keep it alive. Comments are heartbeats.
         */
        get: operations["get_me_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Change my password
         * @description Ends all other sessions (unless asked to keep them) and gives this one a new token.
         */
        put: operations["put_me_password"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/preferences": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * My preferences
         * @description Until they are set: {"language":"en","timeZone":"UTC","dateFormat":"YYYY-MM-DD","relativeTime":true,"decimalSeparator":".","precision":2,"itemsPerPage":50,"showTestData":false}
         */
        get: operations["get_me_preferences"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change my preferences
         * @description As for the profile; null brings the default back.
         */
        patch: operations["patch_me_preferences"];
        trace?: never;
    };
    "/v1/me/profile": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** My profile */
        get: operations["get_me_profile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change my profile
         * @description Only the fields that are sent change; null takes one back. A change to what is so already is none, and leaves the version as it is.
         */
        patch: operations["patch_me_profile"];
        trace?: never;
    };
    "/v1/me/security": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The state of my account at a glance */
        get: operations["get_me_security"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * My sessions
         * @description Active ones come whole, the current one first, then by last access. Ended ones are paged, the last to end first.
         */
        get: operations["get_me_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One of my sessions and its history */
        get: operations["get_me_sessions_id"];
        put?: never;
        post?: never;
        /**
         * Revoke one of my sessions
         * @description The current one is ended by signing out. Revoking one that has ended already does nothing.
         */
        delete: operations["delete_me_sessions_id"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/sessions/revoke-others": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Revoke all my sessions but the current one */
        post: operations["post_me_sessions_revoke_others"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/two-factor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Is the second factor on, and which backup codes are used? */
        get: operations["get_me_two_factor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/two-factor/backup-codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make new backup codes
         * @description The old list is dead. The new codes are shown here only.
         */
        post: operations["post_me_two_factor_backup_codes"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/two-factor/disable": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turn the second factor off
         * @description Needs the password and a code, of the app or a backup code. Ends all other sessions.
         */
        post: operations["post_me_two_factor_disable"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/two-factor/enrollments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin to set up the second factor
         * @description Asks nobody for a code before it is verified. A newer enrolment takes the place of this one.
         */
        post: operations["post_me_two_factor_enrollments"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/two-factor/enrollments/{id}/qr.png": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The QR code to scan, as PNG */
        get: operations["get_me_two_factor_enrollments_id_qr_png"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/two-factor/enrollments/{id}/qr.svg": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The QR code to scan, as SVG */
        get: operations["get_me_two_factor_enrollments_id_qr_svg"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/me/two-factor/enrollments/{id}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turn the second factor on
         * @description Ends all other sessions and gives this one a new token. The backup codes are shown here only.
         */
        post: operations["post_me_two_factor_enrollments_id_verify"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/password-policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a new password has to be */
        get: operations["get_password_policy"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Problem details (RFC 9457). */
        Problem: {
            /** @enum {string} */
            code: "invalid-request" | "unauthenticated" | "session-expired" | "session-ended" | "invalid-credentials" | "code-invalid" | "challenge-expired" | "forbidden-origin" | "insufficient-scope" | "reauthentication-required" | "registration-closed" | "not-found" | "method-not-allowed" | "request-timeout" | "conflict" | "already-done" | "email-taken" | "two-factor-already-enabled" | "two-factor-not-enabled" | "current-session" | "legal-hold" | "token-invalid" | "enrollment-expired" | "precondition-failed" | "content-too-large" | "unsupported-media-type" | "idempotency-mismatch" | "password-too-short" | "password-blocklisted" | "password-reused" | "password-context" | "password-composition" | "precondition-required" | "login-throttled" | "too-many-requests" | "headers-too-large" | "internal-error" | "store-unavailable" | "projection-behind" | "projection-halted" | "overloaded";
            detail: string;
            errors?: {
                code: string;
                detail: string;
                /** @description `#/email` is in the body, `#/query/limit` a query parameter, `#/header/If-Match` a header. */
                pointer: string;
            }[];
            /**
             * Format: uuid
             * @description Names the request in our log; also in X-Request-Id.
             */
            requestId: string;
            status: number;
            title: string;
            /** @description `/problems/<code>`: a page about this code. */
            type: string;
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
    post_auth_email_changes_confirm: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From the link in the mail */
                    token: string;
                };
            };
        };
        responses: {
            /** @description Confirmed */
            204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_auth_login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    email: string;
                    password: string;
                };
            };
        };
        responses: {
            /** @description Signed in, with the cookie `__Host-session`; or a second factor is asked for, with the cookie `__Host-challenge` */
            200: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        session: {
                            /** Format: uuid */
                            id: string;
                        };
                        /** @enum {string} */
                        status: "authenticated";
                    } | {
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        expiresAt: string;
                        methods: ("totp" | "backup_code")[];
                        /** @enum {string} */
                        status: "two_factor_required";
                    };
                };
            };
        };
    };
    post_auth_logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Signed out; the session is dead */
            204: {
                headers: {
                    /** @description Forget everything */
                    "Clear-Site-Data"?: string;
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_auth_not_me: {
        parameters: {
            query: {
                /** @description From the link in the mail */
                token: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": unknown;
                };
            };
        };
    };
    post_auth_not_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From the link in the mail */
                    token: string;
                };
            };
        };
        responses: {
            /** @description Done */
            204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_auth_not_me_page_js: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A script */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/javascript": unknown;
                };
            };
        };
    };
    post_auth_password_resets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    email: string;
                };
            };
        };
        responses: {
            /** @description If the address belongs to an account, a mail is on its way to it */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_auth_password_resets_confirm: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    newPassword: string;
                    /** @description From the link in the mail */
                    token: string;
                };
            };
        };
        responses: {
            /** @description The password is set; sign in with it */
            204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_auth_reauthenticate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    password: string;
                } | {
                    /** @description Six digits of the authenticator app, or a backup code */
                    code: string | number;
                    /** @enum {string} */
                    method: "totp" | "backup_code";
                };
            };
        };
        responses: {
            /** @description Confirmed; the cookie `__Host-session` is new */
            204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_auth_register: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Format: email */
                    email: string;
                    name?: string;
                    password: string;
                };
            };
        };
        responses: {
            /** @description Registered */
            201: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        user: {
                            email: string;
                            /** Format: uuid */
                            id: string;
                            name: string | null;
                        };
                    };
                };
            };
        };
    };
    post_auth_two_factor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Six digits of the authenticator app, or a backup code */
                    code: string | number;
                    /** @enum {string} */
                    method: "totp" | "backup_code";
                };
            };
        };
        responses: {
            /** @description Signed in; the cookie `__Host-session` is set */
            200: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        session: {
                            /** Format: uuid */
                            id: string;
                        };
                        /** @enum {string} */
                        status: "authenticated";
                    };
                };
            };
        };
    };
    get_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description User and session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        session: {
                            /**
                             * Format: date-time
                             * @description When the session ends even if it is in use
                             */
                            expiresAt: string;
                            hash: string;
                            /** Format: uuid */
                            id: string;
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            signedInAt: string;
                            /**
                             * Format: date-time
                             * @description Until when sensitive commands pass without proving again who I am
                             */
                            sudoUntil: string;
                        };
                        user: {
                            email: string;
                            /** Format: uuid */
                            id: string;
                            name: string | null;
                        };
                    };
                };
            };
        };
    };
    get_me_archive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A file, as a stream: one that does not end as HTTP says it must is not whole */
            200: {
                headers: {
                    /** @description attachment, with a name for the file */
                    "Content-Disposition"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_me_audit_events: {
        parameters: {
            query?: {
                code?: ("user:registered" | "user:logged_in" | "user:logged_out" | "user:login_failed" | "user:locked" | "user:unlocked" | "user:reauthenticated" | "user:reauthentication_failed" | "user:compromise_reported" | "user:erased" | "user.password:reset_requested" | "user.password:changed" | "user.password:change_failed" | "user.password:rehashed" | "user.profile:updated" | "user.preferences:updated" | "user.email:change_requested" | "user.email:change_failed" | "user.email:change_confirmed" | "user.email:changed" | "user.email:restored" | "user.2fa:enrollment_started" | "user.2fa:enrollment_failed" | "user.2fa:enabled" | "user.2fa:disabled" | "user.2fa:disable_failed" | "user.2fa:backup_codes_generated" | "user.2fa:backup_code_used" | "user.session:revoked" | "user.session:others_revoked" | "user.session:ended" | "user.session:expired" | "audit:accessed" | "audit:exported")[];
                country?: string;
                /** @description `nextCursor` of the page before */
                cursor?: string;
                device?: "desktop" | "mobile" | "tablet" | "bot" | "other";
                /** @description Not before */
                from?: string;
                ip?: string;
                /** @description Items a page */
                limit?: number;
                outcome?: "success" | "failure";
                /** @description Id or hash of a session */
                session?: string;
                /** @description Before */
                to?: string;
            };
            header?: {
                /** @description From a command: wait until its effect is visible. */
                "Consistency-Token"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            actor: {
                                id: string | null;
                                /** @enum {string} */
                                kind: "user" | "anonymous" | "operator" | "system";
                            };
                            browser: {
                                name: string | null;
                                version: string | null;
                            } | null;
                            code: string;
                            /** @description What happened, by the event's type */
                            data: {
                                [key: string]: unknown;
                            };
                            device: {
                                /** @enum {string} */
                                type: "desktop" | "mobile" | "tablet" | "bot" | "other";
                            } | null;
                            fingerprint: null;
                            /** Format: uuid */
                            id: string;
                            ip: string | null;
                            location: {
                                city: string | null;
                                /** @description ISO 3166-1 alpha-2 */
                                country: string;
                                region: string | null;
                            } | null;
                            message: string;
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            occurredAt: string;
                            os: {
                                name: string | null;
                                version: string | null;
                            } | null;
                            /** @enum {string} */
                            outcome: "success" | "failure";
                            /** @description Without gaps in the account's own events; null for an auditor's access, which is none */
                            sequence: number | null;
                            sessionHash: string | null;
                            /** Format: uuid */
                            sessionId: string | null;
                            userAgent: string | null;
                        }[];
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    get_me_audit_events_id: {
        parameters: {
            query?: never;
            header?: {
                /** @description From a command: wait until its effect is visible. */
                "Consistency-Token"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The event */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        actor: {
                            id: string | null;
                            /** @enum {string} */
                            kind: "user" | "anonymous" | "operator" | "system";
                        };
                        browser: {
                            name: string | null;
                            version: string | null;
                        } | null;
                        code: string;
                        /** @description What happened, by the event's type */
                        data: {
                            [key: string]: unknown;
                        };
                        device: {
                            /** @enum {string} */
                            type: "desktop" | "mobile" | "tablet" | "bot" | "other";
                        } | null;
                        fingerprint: null;
                        /** Format: uuid */
                        id: string;
                        ip: string | null;
                        location: {
                            city: string | null;
                            /** @description ISO 3166-1 alpha-2 */
                            country: string;
                            region: string | null;
                        } | null;
                        message: string;
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        occurredAt: string;
                        os: {
                            name: string | null;
                            version: string | null;
                        } | null;
                        /** @enum {string} */
                        outcome: "success" | "failure";
                        /** @description Without gaps in the account's own events; null for an auditor's access, which is none */
                        sequence: number | null;
                        sessionHash: string | null;
                        /** Format: uuid */
                        sessionId: string | null;
                        userAgent: string | null;
                    };
                };
            };
        };
    };
    get_me_audit_events_export: {
        parameters: {
            query?: {
                code?: ("user:registered" | "user:logged_in" | "user:logged_out" | "user:login_failed" | "user:locked" | "user:unlocked" | "user:reauthenticated" | "user:reauthentication_failed" | "user:compromise_reported" | "user:erased" | "user.password:reset_requested" | "user.password:changed" | "user.password:change_failed" | "user.password:rehashed" | "user.profile:updated" | "user.preferences:updated" | "user.email:change_requested" | "user.email:change_failed" | "user.email:change_confirmed" | "user.email:changed" | "user.email:restored" | "user.2fa:enrollment_started" | "user.2fa:enrollment_failed" | "user.2fa:enabled" | "user.2fa:disabled" | "user.2fa:disable_failed" | "user.2fa:backup_codes_generated" | "user.2fa:backup_code_used" | "user.session:revoked" | "user.session:others_revoked" | "user.session:ended" | "user.session:expired" | "audit:accessed" | "audit:exported")[];
                country?: string;
                device?: "desktop" | "mobile" | "tablet" | "bot" | "other";
                format?: "csv" | "ndjson" | "json";
                /** @description Not before */
                from?: string;
                ip?: string;
                outcome?: "success" | "failure";
                /** @description Id or hash of a session */
                session?: string;
                /** @description Before */
                to?: string;
            };
            header?: {
                /** @description From a command: wait until its effect is visible. */
                "Consistency-Token"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A file, as a stream: one that does not end as HTTP says it must is not whole */
            200: {
                headers: {
                    /** @description attachment, with a name for the file */
                    "Content-Disposition"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                    "application/x-ndjson": unknown;
                    "text/csv": unknown;
                };
            };
        };
    };
    post_me_email: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Format: email */
                    newEmail: string;
                    password: string;
                };
            };
        };
        responses: {
            /** @description Both addresses are told */
            202: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_me_events: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `id` that was received last */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": unknown;
                };
            };
        };
    };
    put_me_password: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    currentPassword: string;
                    /** @default false */
                    keepOtherSessions?: boolean;
                    newPassword: string;
                };
            };
        };
        responses: {
            /** @description Changed; the cookie `__Host-session` is new */
            204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_me_preferences: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Preferences */
            200: {
                headers: {
                    /** @description The version. Bring it as If-Match with a change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        dateFormat: "YYYY-MM-DD" | "DD.MM.YYYY" | "DD/MM/YYYY" | "MM/DD/YYYY";
                        /** @enum {string} */
                        decimalSeparator: "." | ",";
                        itemsPerPage: number;
                        language: string;
                        precision: number;
                        relativeTime: boolean;
                        showTestData: boolean;
                        timeZone: string;
                    };
                };
            };
        };
    };
    patch_me_preferences: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                "Idempotency-Key"?: string;
                /** @description The ETag of the read this change is based on; `*` for whatever is there. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string|null} */
                    dateFormat?: "YYYY-MM-DD" | "DD.MM.YYYY" | "DD/MM/YYYY" | "MM/DD/YYYY" | null;
                    /** @enum {string|null} */
                    decimalSeparator?: "." | "," | null;
                    itemsPerPage?: number | null;
                    language?: string | null;
                    precision?: number | null;
                    relativeTime?: boolean | null;
                    showTestData?: boolean | null;
                    timeZone?: string | null;
                };
            };
        };
        responses: {
            /** @description As they are now */
            200: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    /** @description The version. Bring it as If-Match with a change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        dateFormat: "YYYY-MM-DD" | "DD.MM.YYYY" | "DD/MM/YYYY" | "MM/DD/YYYY";
                        /** @enum {string} */
                        decimalSeparator: "." | ",";
                        itemsPerPage: number;
                        language: string;
                        precision: number;
                        relativeTime: boolean;
                        showTestData: boolean;
                        timeZone: string;
                    };
                };
            };
        };
    };
    get_me_profile: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Profile */
            200: {
                headers: {
                    /** @description The version. Bring it as If-Match with a change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        avatarUrl: string | null;
                        name: string | null;
                        phone: string | null;
                        website: string | null;
                    };
                };
            };
        };
    };
    patch_me_profile: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                "Idempotency-Key"?: string;
                /** @description The ETag of the read this change is based on; `*` for whatever is there. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    avatarUrl?: string | null;
                    name?: string | null;
                    phone?: string | null;
                    website?: string | null;
                };
            };
        };
        responses: {
            /** @description As it is now */
            200: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    /** @description The version. Bring it as If-Match with a change. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        avatarUrl: string | null;
                        name: string | null;
                        phone: string | null;
                        website: string | null;
                    };
                };
            };
        };
    };
    get_me_security: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Password, second factor, sessions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        activeSessions: number;
                        lastLogin: {
                            browser: {
                                name: string | null;
                                version: string | null;
                            };
                            device: {
                                /** @enum {string} */
                                type: "desktop" | "mobile" | "tablet" | "bot" | "other";
                            };
                            ip: string | null;
                            location: {
                                city: string | null;
                                /** @description ISO 3166-1 alpha-2 */
                                country: string;
                                region: string | null;
                            } | null;
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            occurredAt: string;
                            os: {
                                name: string | null;
                                version: string | null;
                            };
                            /** Format: uuid */
                            sessionId: string;
                        } | null;
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        passwordChangedAt: string;
                        twoFactor: {
                            backupCodesRemaining: number;
                            enabled: boolean;
                        };
                        /** @description Three backup codes or fewer are left: make new ones */
                        warnings: "backup-codes-low"[];
                    };
                };
            };
        };
    };
    get_me_sessions: {
        parameters: {
            query?: {
                /** @description `nextCursor` of the page before */
                cursor?: string;
                /** @description Items a page */
                limit?: number;
                state?: "active" | "ended" | "all";
            };
            header?: {
                /** @description From a command: wait until its effect is visible. */
                "Consistency-Token"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: {
                            browser: {
                                name: string | null;
                                version: string | null;
                            };
                            current: boolean;
                            device: {
                                /** @enum {string} */
                                type: "desktop" | "mobile" | "tablet" | "bot" | "other";
                            };
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            endedAt: string | null;
                            /** @enum {string|null} */
                            endedReason: "logged_out" | "revoked" | "expired" | "password_changed" | "two_factor_changed" | "password_reset" | "limit" | "guessing" | "erased" | null;
                            hash: string;
                            /** Format: uuid */
                            id: string;
                            ip: string | null;
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            lastAccessedAt: string;
                            location: {
                                city: string | null;
                                /** @description ISO 3166-1 alpha-2 */
                                country: string;
                                region: string | null;
                            } | null;
                            os: {
                                name: string | null;
                                version: string | null;
                            };
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            signedInAt: string;
                            /** @enum {string} */
                            status: "active" | "ended";
                        }[];
                        nextCursor: string | null;
                    };
                };
            };
        };
    };
    get_me_sessions_id: {
        parameters: {
            query?: never;
            header?: {
                /** @description From a command: wait until its effect is visible. */
                "Consistency-Token"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session; its events, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        browser: {
                            name: string | null;
                            version: string | null;
                        };
                        current: boolean;
                        device: {
                            /** @enum {string} */
                            type: "desktop" | "mobile" | "tablet" | "bot" | "other";
                        };
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        endedAt: string | null;
                        /** @enum {string|null} */
                        endedReason: "logged_out" | "revoked" | "expired" | "password_changed" | "two_factor_changed" | "password_reset" | "limit" | "guessing" | "erased" | null;
                        events: {
                            actor: {
                                id: string | null;
                                /** @enum {string} */
                                kind: "user" | "anonymous" | "operator" | "system";
                            };
                            browser: {
                                name: string | null;
                                version: string | null;
                            } | null;
                            code: string;
                            /** @description What happened, by the event's type */
                            data: {
                                [key: string]: unknown;
                            };
                            device: {
                                /** @enum {string} */
                                type: "desktop" | "mobile" | "tablet" | "bot" | "other";
                            } | null;
                            fingerprint: null;
                            /** Format: uuid */
                            id: string;
                            ip: string | null;
                            location: {
                                city: string | null;
                                /** @description ISO 3166-1 alpha-2 */
                                country: string;
                                region: string | null;
                            } | null;
                            message: string;
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            occurredAt: string;
                            os: {
                                name: string | null;
                                version: string | null;
                            } | null;
                            /** @enum {string} */
                            outcome: "success" | "failure";
                            /** @description Without gaps in the account's own events; null for an auditor's access, which is none */
                            sequence: number | null;
                            sessionHash: string | null;
                            /** Format: uuid */
                            sessionId: string | null;
                            userAgent: string | null;
                        }[];
                        hash: string;
                        /** Format: uuid */
                        id: string;
                        ip: string | null;
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        lastAccessedAt: string;
                        location: {
                            city: string | null;
                            /** @description ISO 3166-1 alpha-2 */
                            country: string;
                            region: string | null;
                        } | null;
                        os: {
                            name: string | null;
                            version: string | null;
                        };
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        signedInAt: string;
                        /** @enum {string} */
                        status: "active" | "ended";
                        userAgent: string | null;
                    };
                };
            };
        };
    };
    delete_me_sessions_id: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Revoked: its next request is refused */
            204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_me_sessions_revoke_others: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How many were revoked */
            200: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        revoked: number;
                    };
                };
            };
        };
    };
    get_me_two_factor: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The second factor */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        backupCodes: {
                            codes: {
                                index: number;
                                /**
                                 * Format: date-time
                                 * @description RFC 3339, UTC, milliseconds
                                 */
                                usedAt: string | null;
                            }[];
                            /**
                             * Format: date-time
                             * @description RFC 3339, UTC, milliseconds
                             */
                            generatedAt: string | null;
                            remaining: number;
                            total: number;
                        };
                        enabled: boolean;
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        enabledAt: string | null;
                    };
                };
            };
        };
    };
    post_me_two_factor_backup_codes: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The new list */
            201: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        backupCodes: string[];
                    };
                };
            };
        };
    };
    post_me_two_factor_disable: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Six digits of the authenticator app, or a backup code */
                    code: string | number;
                    /** @enum {string} */
                    method: "totp" | "backup_code";
                    password: string;
                };
            };
        };
        responses: {
            /** @description Off; the cookie `__Host-session` is new */
            204: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    post_me_two_factor_enrollments: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The secret, shown here only */
            201: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /**
                         * Format: date-time
                         * @description RFC 3339, UTC, milliseconds
                         */
                        expiresAt: string;
                        /** Format: uuid */
                        id: string;
                        otpauthUri: string;
                        qrCode: {
                            png: string;
                            svg: string;
                        };
                        /** @description Base32, to be typed into the app by hand */
                        secret: string;
                    };
                };
            };
        };
    };
    get_me_two_factor_enrollments_id_qr_png: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/png": unknown;
                };
            };
        };
    };
    get_me_two_factor_enrollments_id_qr_svg: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The picture */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "image/svg+xml": unknown;
                };
            };
        };
    };
    post_me_two_factor_enrollments_id_verify: {
        parameters: {
            query?: never;
            header?: {
                /** @description Makes a repetition of this command harmless. Kept for 24 hours. */
                "Idempotency-Key"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Six digits of the authenticator app, or a backup code */
                    code: string | number;
                };
            };
        };
        responses: {
            /** @description On */
            200: {
                headers: {
                    /** @description Bring it with a query to see this command's effect. */
                    "Consistency-Token"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        backupCodes: string[];
                    };
                };
            };
        };
    };
    get_password_policy: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The policy */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        blocklist: {
                            commonPasswords: number;
                            contextWords: string[];
                            patterns: string[];
                        };
                        composition: ("letter" | "digit")[];
                        history: number;
                        maxLength: number;
                        minLength: number;
                        /** @enum {string} */
                        policy: "default" | "nist" | "pci";
                    };
                };
            };
        };
    };
}
