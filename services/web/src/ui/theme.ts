// PrimeVue's setup: its Aura theme painted with the tokens of `styles/tokens.css`, and the CSP nonce that
// its style tags carry. Colours are variables, so light and dark need no second palette here.
import base from '@primeuix/themes/aura/base'
import button from '@primeuix/themes/aura/button'
import inputtext from '@primeuix/themes/aura/inputtext'
import popover from '@primeuix/themes/aura/popover'
import dialog from '@primeuix/themes/aura/dialog'
import drawer from '@primeuix/themes/aura/drawer'
import { definePreset } from '@primeuix/themes'
import PrimeVue from 'primevue/config'
import type { App } from 'vue'

const colours = {
  primary: {
    color: 'var(--primary)',
    contrastColor: 'var(--on-primary)',
    hoverColor: 'var(--primary-strong)',
    activeColor: 'var(--primary-strong)',
  },
  highlight: { background: 'var(--selected)', focusBackground: 'var(--selected)', color: 'var(--text)', focusColor: 'var(--text)' },
  mask: { background: 'var(--mask)', color: 'var(--text)' },
  formField: {
    background: 'var(--surface)',
    disabledBackground: 'var(--raised)',
    borderColor: 'var(--control)',
    hoverBorderColor: 'var(--text)',
    focusBorderColor: 'var(--primary)',
    invalidBorderColor: 'var(--negative)',
    color: 'var(--text)',
    placeholderColor: 'var(--muted)',
    shadow: 'none',
  },
  text: { color: 'var(--text)', hoverColor: 'var(--text)', mutedColor: 'var(--muted)', hoverMutedColor: 'var(--text)' },
  content: { background: 'var(--surface)', hoverBackground: 'var(--raised)', borderColor: 'var(--line)', color: 'var(--text)', hoverColor: 'var(--text)' },
  overlay: {
    popover: { background: 'var(--surface)', borderColor: 'var(--line)', color: 'var(--text)' },
    modal: { background: 'var(--surface)', borderColor: 'var(--line)', color: 'var(--text)' },
  },
}

const focusRing = { width: '2px', style: 'solid', color: 'var(--primary)', offset: '1px', shadow: 'none' }

const plainButton = { hoverBackground: 'var(--raised)', activeBackground: 'var(--selected)', color: 'var(--text)' }
const dangerButton = {
  hoverBackground: 'var(--negative-tint)',
  activeBackground: 'var(--negative-tint)',
  borderColor: 'var(--negative)',
  color: 'var(--negative)',
}
const danger = {
  background: 'var(--negative)',
  hoverBackground: 'var(--negative)',
  activeBackground: 'var(--negative)',
  borderColor: 'var(--negative)',
  hoverBorderColor: 'var(--negative)',
  activeBorderColor: 'var(--negative)',
  color: 'var(--on-primary)',
  hoverColor: 'var(--on-primary)',
  activeColor: 'var(--on-primary)',
}
const buttonColours = {
  root: { danger },
  text: { secondary: plainButton },
  outlined: { secondary: { ...plainButton, borderColor: 'var(--control)' }, danger: dangerButton },
}

const preset = definePreset(
  { ...base, components: { button, inputtext, popover, dialog, drawer } },
  {
    semantic: {
      transitionDuration: '0.12s',
      focusRing,
      formField: { paddingX: '10px', paddingY: '7px', focusRing: { ...focusRing, offset: '0' } },
      overlay: { modal: { borderRadius: '10px', padding: '20px' }, popover: { padding: '0', shadow: 'var(--shadow)' } },
      colorScheme: { light: colours, dark: colours },
    },
    components: {
      button: {
        root: { paddingX: '12px', paddingY: '7px', label: { fontWeight: '600' } },
        colorScheme: { light: buttonColours, dark: buttonColours },
      },
      dialog: { title: { fontSize: '18px' } },
      drawer: { title: { fontSize: '16px' }, header: { padding: '12px 16px' }, content: { padding: '0' } },
    },
  },
)

/** The nonce the API put into this response; empty on the development server. */
export function cspNonce(): string | undefined {
  const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content
  return nonce ? nonce : undefined
}

export function installUi(app: App): void {
  const nonce = cspNonce()
  app.use(PrimeVue, {
    theme: { preset, options: { darkModeSelector: '[data-theme="dark"]' } },
    ...(nonce ? { csp: { nonce } } : {}),
  })
}
