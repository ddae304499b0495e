// The component library's dialog, named once.
export { default } from 'primevue/dialog'
