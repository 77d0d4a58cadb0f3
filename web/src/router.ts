import { createRouter, createWebHistory, type RouteRecordRaw, type Router } from 'vue-router'
import { messages } from './messages.ts'
import type { Session } from './session/session.ts'

declare module 'vue-router' {
  interface RouteMeta {
    /** Who is shown this screen: only who is signed in, only who is not, or everybody. */
    access: 'signed-in' | 'signed-out' | 'all'
    title: string
  }
}

const inside = (path: string, title: string, component: NonNullable<RouteRecordRaw['component']>): RouteRecordRaw => ({
  path,
  component,
  meta: { access: 'signed-in', title },
})
const outside = (
  path: string,
  title: string,
  component: NonNullable<RouteRecordRaw['component']>,
  access: 'signed-out' | 'all' = 'signed-out',
): RouteRecordRaw => ({ path, name: path.slice(1), component, meta: { access, title } })

/** The server serves the document at these addresses (pagePaths in src/http/page.ts). */
export const routes: readonly RouteRecordRaw[] = [
  outside('/sign-in', messages.signIn.title, () => import('./screens/SignIn.vue')),
  outside('/second-factor', messages.secondFactor.title, () => import('./screens/SecondFactor.vue')),
  outside('/register', messages.register.title, () => import('./screens/Register.vue')),
  outside('/forgot-password', messages.forgot.title, () => import('./screens/ForgotPassword.vue')),
  outside('/reset-password', messages.reset.title, () => import('./screens/ResetPassword.vue'), 'all'),
  outside('/confirm-email', messages.confirmEmail.title, () => import('./screens/ConfirmEmail.vue'), 'all'),
  {
    path: '/',
    component: () => import('./components/AppShell.vue'),
    redirect: '/sessions',
    children: [
      inside('/profile', messages.profile.title, () => import('./screens/Profile.vue')),
      inside('/preferences', messages.preferences.title, () => import('./screens/Preferences.vue')),
      inside('/formatting', messages.formatting.title, () => import('./screens/Formatting.vue')),
      inside('/change-password', messages.password.title, () => import('./screens/ChangePassword.vue')),
      inside('/two-factor', messages.twoFactor.title, () => import('./screens/TwoFactor.vue')),
      inside('/sessions', messages.sessions.title, () => import('./screens/Sessions.vue')),
      inside('/audit-log', messages.auditLog.title, () => import('./screens/AuditLog.vue')),
    ],
  },
  {
    path: '/:path(.*)*',
    component: () => import('./screens/NotFound.vue'),
    meta: { access: 'all', title: messages.notFound.title },
  },
]

export const createPageRouter = (session: Session): Router => {
  const router = createRouter({ history: createWebHistory(), routes, scrollBehavior: () => ({ top: 0 }) })

  router.beforeEach(async (to) => {
    if (session.status.value === 'unknown' && to.meta.access !== 'all') await session.load()
    // Where the server cannot be asked, the screen that was wanted says so and offers to try again.
    if (to.meta.access === 'signed-in' && session.status.value === 'out') {
      return { name: 'sign-in', query: to.fullPath === '/sessions' ? {} : { next: to.fullPath } }
    }
    if (to.meta.access === 'signed-out' && session.status.value === 'in') return { path: '/sessions' }
    return true
  })
  router.afterEach((to) => {
    document.title = `${to.meta.title} - ${messages.product}`
  })
  return router
}

/** Where to go after signing in: an address of this page, never one of another host. */
export const safeNext = (next: unknown): string =>
  typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/sessions'
