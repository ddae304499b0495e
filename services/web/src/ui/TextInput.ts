// The component library's inputtext, named once.
export { default } from 'primevue/inputtext'
