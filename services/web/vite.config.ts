// Build, development server and unit tests. `index.html` holds two placeholders which the API fills for
// every response: the base address (the app may live under a path prefix) and the CSP nonce.
import { fileURLToPath, URL } from 'node:url'
import vue from '@vitejs/plugin-vue'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const api = process.env.REPORTAPP_API ?? 'http://127.0.0.1:8443'

/** The development server has no API in front of it, so it fills the placeholders itself. */
function fillPlaceholders(): Plugin {
  return {
    name: 'reportapp-placeholders',
    apply: 'serve',
    transformIndexHtml: {
      order: 'post',
      handler: (html) => html.replaceAll('__BASE_HREF__', '/').replaceAll('__CSP_NONCE__', 'development'),
    },
  }
}

export default defineConfig({
  base: './',
  plugins: [vue(), fillPlaceholders()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  html: { cspNonce: '__CSP_NONCE__' },
  define: {
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  build: {
    target: 'es2022',
    manifest: true,
    modulePreload: { polyfill: false },
    // A data: URL in a style sheet would need another CSP source.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': { target: api, secure: false } } },
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts'] },
})
