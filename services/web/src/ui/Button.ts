// The component library's button, named once.
export { default } from 'primevue/button'
