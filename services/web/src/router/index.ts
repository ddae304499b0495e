// Pages and who may open them. The base path comes from the document, because the API serves the app under
// any prefix.
import { createRouter, createWebHistory, type RouteLocationNormalized, type Router } from 'vue-router'
import type { PeriodKind } from '@/api/catalogue'
import { readServer } from './next'
import { useSession } from '@/stores/session'
import { useViews } from '@/stores/views'
import { reportOf, reportRoutes } from './reportRoutes'

declare module 'vue-router' {
  interface RouteMeta {
    /** Key of the page's title. */
    title: string
    public?: boolean
    /** About one company: the top bar lets one choose it. */
    company?: boolean
    /** About a month or a span of time: the top bar lets one choose it. */
    period?: PeriodKind
    /** The report that the page shows. */
    report?: string
  }
}

/** Whether the sign-in page is asked for another place than where the user is signed in. */
function goesElsewhere(to: RouteLocationNormalized): boolean {
  const server = readServer(to.query)
  return to.name === 'signIn' && server !== undefined && server !== (useSession().user?.erpServer ?? '')
}

/** An address that says anything is a link to just that; only a bare one is open to what somebody usually wants. */
function saysNothing({ query, hash }: RouteLocationNormalized): boolean {
  return Object.keys(query).length === 0 && hash === ''
}

export function createAppRouter(): Router {
  const router = createRouter({
    history: createWebHistory(new URL(document.baseURI).pathname),
    routes: [
      {
        path: '/login',
        name: 'signIn',
        component: () => import('@/pages/SignInPage.vue'),
        meta: { title: 'signIn.title', public: true },
      },
      {
        path: '/password-reset',
        name: 'resetPassword',
        component: () => import('@/pages/ResetPasswordPage.vue'),
        meta: { title: 'reset.title', public: true },
      },
      {
        path: '/',
        component: () => import('@/components/shell/AppShell.vue'),
        meta: { title: 'nav.dashboard' },
        children: [
          {
            path: '',
            name: 'dashboard',
            component: () => import('@/pages/DashboardPage.vue'),
            meta: { title: 'nav.dashboard', company: true, period: 'month' },
          },
          {
            path: 'balanta',
            name: 'balance',
            component: () => import('@/pages/BalancePage.vue'),
            meta: { title: 'balance.title', company: true, report: 'trial-balance', period: 'month' },
          },
          {
            path: 'trezorerie',
            name: 'treasury',
            component: () => import('@/pages/TreasuryPage.vue'),
            meta: { title: 'nav.treasury', company: true, period: 'month' },
          },
          ...reportRoutes(),
          {
            path: 'telegram',
            name: 'telegram',
            component: () => import('@/pages/TelegramPage.vue'),
            meta: { title: 'telegram.title' },
          },
          {
            path: 'sesiuni',
            name: 'sessions',
            component: () => import('@/pages/SessionsPage.vue'),
            meta: { title: 'sessions.title' },
          },
          {
            path: 'administrare',
            name: 'admin',
            component: () => import('@/pages/AdminPage.vue'),
            redirect: { name: 'users' },
            meta: { title: 'nav.admin' },
            children: [
              {
                path: 'utilizatori',
                name: 'users',
                component: () => import('@/pages/admin/UsersPage.vue'),
                meta: { title: 'users.title' },
              },
              {
                path: 'roluri',
                name: 'roles',
                component: () => import('@/pages/admin/RolesPage.vue'),
                meta: { title: 'roles.title' },
              },
              {
                path: 'organizatii',
                name: 'tenants',
                component: () => import('@/pages/admin/TenantsPage.vue'),
                meta: { title: 'tenants.title' },
              },
              {
                path: 'jurnal',
                name: 'audit',
                component: () => import('@/pages/admin/AuditPage.vue'),
                meta: { title: 'audit.title' },
              },
              {
                path: 'cache',
                name: 'cache',
                component: () => import('@/pages/admin/CachePage.vue'),
                meta: { title: 'cache.title' },
              },
            ],
          },
          {
            path: ':unknown(.*)*',
            name: 'notFound',
            component: () => import('@/pages/NotFoundPage.vue'),
            meta: { title: 'app.notFound' },
          },
        ],
      },
    ],
  })

  router.beforeEach(async (to) => {
    const session = useSession()
    try {
      await session.restore()
    } catch {
      // Unreachable: the sign-in page is the one that can say so and try again.
      return to.meta.public ? true : { name: 'signIn', query: { next: to.fullPath } }
    }
    if (to.meta.public) return session.signedIn && !goesElsewhere(to) ? '/' : true
    if (!session.signedIn) return { name: 'signIn', query: { next: to.fullPath } }
    // An address of another server than the one an account of an ERP reads asks for the password of there.
    const server = readServer(to.query)
    const elsewhere = server && session.user?.erpServer && server !== session.user.erpServer
    if (elsewhere) return { name: 'signIn', query: { server, next: to.fullPath } }
    const view = useViews().defaultOf(reportOf(to))
    return view && saysNothing(to) ? { path: to.path, query: view.query } : true
  })
  return router
}
